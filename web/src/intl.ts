// Numbers, times and plurals as the page's language has them.

const language = globalThis.document?.documentElement.lang || "en";
const plurals = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(language);
const days = new Intl.DateTimeFormat(language, { dateStyle: "medium" });

type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { readonly other: string };

/** The form of a phrase for so many; `#` in it is the number. */
export function counted(count: number, forms: Forms): string {
  return (forms[plurals.select(count)] ?? forms.other).replace("#", numbers.format(count));
}

export function shownNumber(value: number): string {
  return numbers.format(value);
}

/** The day of a time of the server. */
export function shownDay(time: string): string {
  return days.format(new Date(time));
}

/** Several names in one phrase. */
export function listed(names: readonly string[]): string {
  return new Intl.ListFormat(language, { type: "conjunction" }).format(names);
}
