// Which questions somebody wanted to see with their answers side by side, or not any more: kept on this device, as ids.

const KEY = "threadline:side-by-side";
/** The latest ones: what was looked at long ago may be looked at in the plain way. */
const CHOICES_MAX = 200;

type Choice = readonly [question: string, isSideBySide: boolean];

/** The oldest first. */
export function keptChoices(): readonly Choice[] {
  try {
    const said: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(said) ? said.filter(isChoice) : [];
  } catch {
    return [];
  }
}

/** Where a storage fails (full, forbidden), a choice lasts as long as the page. */
export function keepChoice(question: string, isSideBySide: boolean): void {
  const others = keptChoices().filter(([id]) => id !== question);
  try {
    localStorage.setItem(KEY, JSON.stringify([...others, [question, isSideBySide]].slice(-CHOICES_MAX)));
  } catch {
    // The page has it.
  }
}

/** Forget them all, such as when somebody signs out. */
export function forgetChoices(storage: Pick<Storage, "removeItem">): void {
  storage.removeItem(KEY);
}

function isChoice(one: unknown): one is Choice {
  return Array.isArray(one) && typeof one[0] === "string" && typeof one[1] === "boolean";
}
