// What somebody has begun to write: kept on this device for each conversation, until it is sent.

import { type Readable, Signal } from "@threadline/client";

/** What is known of a file that the server has already. */
export interface KeptFile {
  readonly file_id: string;
  readonly name: string;
  readonly media_type: string;
  readonly size: number;
}

export interface Draft {
  readonly text: string;
  readonly files: readonly KeptFile[];
}

export const NOTHING: Draft = { text: "", files: [] };

/** Where the first question of a conversation is written. */
export const HOME = "home";

const PREFIX = "threadline:draft:";
const SAVE_MS = 250;

type Keep = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** Where a storage fails (full, forbidden), a draft lasts as long as the page. */
export class Drafts {
  readonly #storage: Keep | null;
  readonly #prefix: string;
  readonly #open = new Map<string, Signal<Draft>>();
  readonly #unsaved = new Map<string, ReturnType<typeof setTimeout>>();

  /** `whose` keeps people apart who share a device. */
  constructor(whose: string, storage: Keep | null) {
    this.#prefix = `${PREFIX}${whose}:`;
    this.#storage = storage;
  }

  of(place: string): Readable<Draft> {
    return this.#signal(place);
  }

  set(place: string, draft: Draft): void {
    this.#signal(place).set(draft);
    if (isEmpty(draft)) {
      this.#save(place);
    } else if (!this.#unsaved.has(place)) {
      const timer = setTimeout(() => this.#save(place), SAVE_MS);
      this.#unsaved.set(place, timer);
    }
  }

  /** Put words back, such as of what was refused; what has been written meanwhile stays behind them. */
  giveBack(place: string, draft: Draft): void {
    const now = this.#signal(place).get();
    const text = [draft.text, now.text].filter((part) => part !== "").join("\n");
    this.set(place, { text, files: [...draft.files, ...now.files] });
  }

  /** Write down at once what waits to be written: the page may be going. */
  flush(): void {
    for (const place of [...this.#unsaved.keys()]) this.#save(place);
  }

  /** Another tab has written: where this one had the same words, it has the others' now. */
  hear(key: string | null, before: string | null, after: string | null): void {
    if (key?.startsWith(this.#prefix) !== true) return;
    const place = key.slice(this.#prefix.length);
    const signal = this.#open.get(place);
    if (signal !== undefined && !this.#unsaved.has(place) && same(signal.get(), read(before))) signal.set(read(after));
  }

  #signal(place: string): Signal<Draft> {
    let found = this.#open.get(place);
    if (found === undefined) {
      found = new Signal(read(this.#try((storage) => storage.getItem(this.#prefix + place))));
      this.#open.set(place, found);
    }
    return found;
  }

  #save(place: string): void {
    clearTimeout(this.#unsaved.get(place));
    this.#unsaved.delete(place);
    const draft = this.#signal(place).get();
    const key = this.#prefix + place;
    this.#try((storage) => (isEmpty(draft) ? storage.removeItem(key) : storage.setItem(key, JSON.stringify(draft))));
  }

  #try<Value>(work: (storage: Keep) => Value): Value | null {
    try {
      return this.#storage === null ? null : work(this.#storage);
    } catch {
      return null;
    }
  }
}

/** Forget all drafts of everybody, such as when somebody signs out. */
export function forgetDrafts(storage: Storage): void {
  for (const key of Object.keys(storage)) if (key.startsWith(PREFIX)) storage.removeItem(key);
}

function isEmpty(draft: Draft): boolean {
  return draft.text === "" && draft.files.length === 0;
}

function read(text: string | null): Draft {
  if (text === null) return NOTHING;
  try {
    const said = JSON.parse(text) as Partial<Draft>;
    return { text: String(said.text ?? ""), files: Array.isArray(said.files) ? said.files : [] };
  } catch {
    return NOTHING;
  }
}

function same(one: Draft, other: Draft): boolean {
  return one.text === other.text && one.files.length === other.files.length;
}
