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
      await manager.request(name, { ifAvailable: true }, async (lock) => (lock ? work() : undefined)),
  };
}

/** Locks within this process, where there is no other that could share the store. */
export class OwnLocks implements Locks {
  readonly #held = new Map<string, Promise<unknown>>();

  async hold(name: string, work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const end = endOf(signal);
    while (this.#held.has(name)) {
      await Promise.race([this.#held.get(name), end]);
      signal.throwIfAborted();
    }
    await this.attempt(name, work);
  }

  async attempt<Value>(name: string, work: () => Promise<Value>): Promise<Value | undefined> {
    if (this.#held.has(name)) return undefined;
    const done = work().finally(() => this.#held.delete(name));
    this.#held.set(
      name,
      done.catch(() => {}),
    );
    return done;
  }
}

function endOf(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

const OWN = new OwnLocks();

export function locksHere(): Locks {
  const manager = globalThis.navigator?.locks;
  return manager === undefined ? OWN : browserLocks(manager);
}

/** Become the leader when nobody else is, and stay it until `signal`. */
export async function lead(locks: Locks, name: string, signal: AbortSignal, begin: () => void): Promise<void> {
  const work = async () => {
    begin();
    if (!signal.aborted) await endOf(signal);
  };
  // The wait has ended; or there are no locks to be had, and who has patience sends all the same.
  await locks.hold(name, work, signal).catch(() => undefined);
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
