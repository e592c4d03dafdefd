// Several tabs, one voice. Each tab has its own connection; only one of them, the leader, sends what is in the outbox.
//
// Web Locks decide who that is: the lock of a tab that is closed, or crashes, goes to the next one at once.

/** What of the Web Locks API is used. */
export interface Locks {
  /** Wait for a lock and hold it while `work` lasts. Throws when `signal` ends the wait. */
  hold(name: string, work: () => Promise<void>, signal: AbortSignal): Promise<void>;
  /** Do `work` with the lock, or return undefined at once where somebody else has it. */
  attempt<Value>(name: string, work: () => Promise<Value>): Promise<Value | undefined>;
}

export function browserLocks(manager: LockManager): Locks {
  return {
    hold: async (name, work, signal) => {
      await manager.request(name, { signal }, work);
    },
    attempt: async (name, work) =>
      await manager.request(name, { ifAvailable: true }, async (lock) => (lock === null ? undefined : await work())),
  };
}

/** Locks within this process, where there is no other that could share the store. */
export class OwnLocks implements Locks {
  readonly #held = new Map<string, Promise<unknown>>();

  async hold(name: string, work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    aborted.catch(() => {}); // Heard only while it is waited for.
    for (let other = this.#held.get(name); other !== undefined; other = this.#held.get(name)) {
      await Promise.race([other, aborted]);
    }
    signal.throwIfAborted();
    await this.#holding(name, work);
  }

  async attempt<Value>(name: string, work: () => Promise<Value>): Promise<Value | undefined> {
    return this.#held.has(name) ? undefined : await this.#holding(name, work);
  }

  async #holding<Value>(name: string, work: () => Promise<Value>): Promise<Value> {
    const done = work();
    this.#held.set(
      name,
      done.catch(() => {}),
    );
    try {
      return await done;
    } finally {
      this.#held.delete(name);
    }
  }
}

const OWN = new OwnLocks();

export function locksHere(): Locks {
  const manager = globalThis.navigator?.locks;
  return manager === undefined ? OWN : browserLocks(manager);
}

/** Become the leader when nobody else is, and stay it until `signal`. */
export async function lead(locks: Locks, name: string, signal: AbortSignal, begin: () => void): Promise<void> {
  const until = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  const work = async () => {
    begin();
    await until;
  };
  await locks.hold(name, work, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

/** What tabs tell each other about the outbox. */
export type Word =
  | { readonly type: "added" | "changed" | "dropped"; readonly key: string }
  | { readonly type: "begun"; readonly key: string; readonly thread_id: string }
  | { readonly type: "accepted"; readonly key: string; readonly message_id: string };

export interface Channel {
  say(word: Word): void;
  close(): void;
}

/** Open the channel that all tabs of this name share; where there is none, nobody else listens. */
export function channelOf(name: string, hear: (word: Word) => void): Channel {
  if (typeof BroadcastChannel === "undefined") return { say: () => {}, close: () => {} };
  const channel = new BroadcastChannel(name);
  channel.onmessage = (event: MessageEvent<Word>) => hear(event.data);
  // In Node an open channel would keep the process alive.
  (channel as BroadcastChannel & { unref?: () => void }).unref?.();
  return { say: (word) => channel.postMessage(word), close: () => channel.close() };
}
