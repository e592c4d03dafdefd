// The list of threads: from the store at once, then as it changes.

import type { Http } from "./http.ts";
import { Signal } from "./signal.ts";
import type { Store } from "./store/contract.ts";
import type { Thread } from "./types.ts";

export interface ThreadsView {
  /** Pinned first, then latest activity. */
  readonly threads: readonly Thread[];
  /** The server's list was read: before, it is what the store has. */
  readonly isFresh: boolean;
  readonly hasMore: boolean;
}

export type ListWord =
  | { readonly type: "thread"; readonly thread: Thread }
  | { readonly type: "thread.removed"; readonly thread_id: string }
  | { readonly type: "listed"; readonly has_more: boolean };

const KEPT_MAX = 200;

export class ThreadList {
  readonly view: Signal<ThreadsView>;
  readonly #http: Http;
  readonly #store: Store;
  #threads = new Map<string, Thread>();
  /** What this connection has listed so far; null once it is whole. */
  #listing: Set<string> | null = new Set();
  #isFresh = false;
  #hasMore = false;
  #cursor: string | null = null;
  #saving: ReturnType<typeof setTimeout> | undefined;

  constructor(http: Http, store: Store, onWatched: () => void) {
    this.#http = http;
    this.#store = store;
    let isRead = false;
    this.view = new Signal<ThreadsView>({ threads: [], isFresh: false, hasMore: false }, (isWatched) => {
      if (isWatched && !isRead) {
        isRead = true;
        void this.#read();
      }
      onWatched();
    });
  }

  /** A connection begins, and with it the list. */
  begin(): void {
    this.#listing = new Set();
  }

  take(told: readonly ListWord[]): void {
    if (told.length === 0) return;
    for (const word of told) {
      if (word.type === "thread") this.#put(word.thread);
      else if (word.type === "thread.removed") this.#threads.delete(word.thread_id);
      else this.#finish(word.has_more);
    }
    this.#publish();
  }

  /** Take a thread as it is known from elsewhere. */
  put(thread: Thread): void {
    this.#put(thread);
    this.#publish();
  }

  /** Read on behind the last one. */
  async loadMore(): Promise<void> {
    const query = this.#cursor === null ? { limit: 100 } : { limit: 100, cursor: this.#cursor };
    const page = await this.#http.call("GET /v1/threads", { query });
    this.#cursor = page.next_cursor;
    this.#hasMore = page.has_more;
    for (const thread of page.data) this.#put(thread);
    this.#publish();
  }

  close(): void {
    clearTimeout(this.#saving);
  }

  async #read(): Promise<void> {
    const found = await this.#store.list().catch(() => []);
    for (const thread of found) if (!this.#threads.has(thread.id)) this.#threads.set(thread.id, thread);
    this.#publish();
  }

  #put(thread: Thread): void {
    this.#listing?.add(thread.id);
    const before = this.#threads.get(thread.id);
    if (before === undefined || before.seq <= thread.seq) this.#threads.set(thread.id, thread);
  }

  // What the server's list does not have where it should stand is gone; what would stand behind its end may be there.
  #finish(hasMore: boolean): void {
    const listed = this.#listing ?? new Set();
    this.#listing = null;
    const last = sorted([...this.#threads.values()].filter((thread) => listed.has(thread.id))).at(-1);
    for (const thread of this.#threads.values()) {
      const isBehind = hasMore && last !== undefined && order(thread, last) > 0;
      if (!listed.has(thread.id) && !isBehind) this.#threads.delete(thread.id);
    }
    this.#isFresh = true;
    if (this.#cursor === null) this.#hasMore = hasMore;
  }

  #publish(): void {
    const threads = sorted([...this.#threads.values()]);
    this.view.set({ threads, isFresh: this.#isFresh, hasMore: this.#hasMore });
    this.#saving ??= setTimeout(() => {
      this.#saving = undefined;
      this.#store.keepList(this.view.get().threads.slice(0, KEPT_MAX)).catch(() => undefined);
    }, 1_000);
  }
}

function sorted(threads: Thread[]): readonly Thread[] {
  return threads.sort(order);
}

function order(one: Thread, other: Thread): number {
  if (one.pinned !== other.pinned) return one.pinned ? -1 : 1;
  if (one.last_activity_at !== other.last_activity_at) return one.last_activity_at > other.last_activity_at ? -1 : 1;
  return one.id > other.id ? -1 : 1;
}
