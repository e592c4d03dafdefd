// The list of threads: from the store at once, then as it changes.

import { byId } from "./fold.ts";
import type { Http } from "./http.ts";
import { Signal } from "./signal.ts";
import type { Store } from "./store/contract.ts";
import type { Operations, SeenThread, Thread, ThreadPage } from "./types.ts";

/** A thread of the list, with how much of it this person has not read. */
export type ListedThread = Thread & Partial<Pick<SeenThread, "unread_count">>;

export type ThreadChange = Operations["PATCH /v1/threads/{thread_id}"]["body"];

export interface ThreadsView {
  /** Pinned first, then latest activity; with what was asked of the server and is not answered yet. */
  readonly threads: readonly ListedThread[];
  /** What is known further down: between them and the last one of the list others may stand. */
  readonly found: readonly ListedThread[];
  /** The server's list was read: before, it is what the store has. */
  readonly isFresh: boolean;
  readonly hasMore: boolean;
}

export type ListWord =
  | { readonly type: "thread"; readonly thread: ListedThread }
  | { readonly type: "thread.removed"; readonly thread_id: string }
  | { readonly type: "listed"; readonly has_more: boolean };

/** What somebody wants of a thread, until the server has answered; null is that it goes. */
interface Wish {
  readonly id: string;
  readonly change: ThreadChange | null;
}

const KEPT_MAX = 200;

export class ThreadList {
  readonly view: Signal<ThreadsView>;
  readonly #http: Http;
  readonly #store: Store;
  #threads = new Map<string, ListedThread>();
  readonly #wishes = new Set<Wish>();
  /** What this connection has listed so far, and whether it stood there before; null once all is listed. */
  #listing: Map<string, boolean> | null = new Map();
  /**
   * What was heard of since then, listed or read in another way: whether it is there. That says nothing of where the list
   * ends; and what has gone may still be named by what was asked for before.
   */
  readonly #heard = new Map<string, boolean>();
  #isFresh = false;
  #hasMore = false;
  #cursor: string | null = null;
  /** The last one up to which the list is known to be whole; null where all is, or nobody knows. */
  #end: ListedThread | null = null;
  readonly #found = new Set<string>();
  #reading: Promise<void> | null = null;
  #saving: ReturnType<typeof setTimeout> | undefined;

  constructor(http: Http, store: Store, onWatched: () => void) {
    this.#http = http;
    this.#store = store;
    let isRead = false;
    this.view = new Signal<ThreadsView>({ threads: [], found: [], isFresh: false, hasMore: false }, (isWatched) => {
      if (isWatched && !isRead) {
        isRead = true;
        void this.#read();
      }
      onWatched();
    });
  }

  /** A connection begins, and with it the list. */
  begin(): void {
    this.#listing = new Map();
    this.#heard.clear();
  }

  take(told: readonly ListWord[]): void {
    if (told.length === 0) return;
    for (const word of told) {
      if (word.type === "thread") this.#list(word.thread);
      else if (word.type === "thread.removed") this.#remove(word.thread_id);
      else this.#finish(word.has_more);
    }
    this.#publish();
  }

  /** Take a thread as it is known from elsewhere. */
  put(thread: ListedThread): void {
    this.#put(thread);
    this.#publish();
  }

  /** Change a thread: shown at once, and taken back where the server refuses. Throws what `Http.call` throws. */
  async update(id: string, change: ThreadChange): Promise<Thread> {
    return this.#wish({ id, change }, async () => {
      const asked = { path: { thread_id: id }, body: change };
      const thread = await this.#http.call("PATCH /v1/threads/{thread_id}", asked);
      this.#put({ ...this.#threads.get(id), ...thread });
      return thread;
    });
  }

  /** Delete a thread: gone at once, and back where the server refuses. Throws what `Http.call` throws. */
  async remove(id: string): Promise<void> {
    await this.#wish({ id, change: null }, async () => {
      await this.#http.call("DELETE /v1/threads/{thread_id}", { path: { thread_id: id } });
      this.#remove(id);
    });
  }

  /** Say that all there is of a thread has been read. Throws what `Http.call` throws. */
  async markRead(id: string): Promise<void> {
    const asked = { path: { thread_id: id }, body: {} };
    const { unread_count } = await this.#http.call("PUT /v1/threads/{thread_id}/read", asked);
    const thread = this.#threads.get(id);
    if (thread !== undefined) this.put({ ...thread, unread_count });
  }

  /** Look for threads beyond those that were loaded; what is found is followed from then on. */
  async find(query: Operations["GET /v1/threads"]["query"], signal?: AbortSignal): Promise<ThreadPage> {
    const page = await this.#http.call("GET /v1/threads", { query, signal });
    for (const thread of page.data) {
      if (!this.#threads.has(thread.id)) this.#found.add(thread.id);
      this.#put(thread);
    }
    this.#publish();
    return page;
  }

  /** A thread is not to be seen any more. */
  drop(id: string): void {
    this.#remove(id);
    this.#publish();
  }

  /** Read on behind the last one. */
  async loadMore(): Promise<void> {
    this.#reading ??= this.#readOn().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #readOn(): Promise<void> {
    const cursor = this.#cursor;
    const page = await this.find({ limit: 100, cursor });
    // A connection may have said meanwhile that the list ends elsewhere.
    if (this.#cursor !== cursor) return;
    for (const thread of page.data) this.#found.delete(thread.id);
    this.#end = page.has_more ? (page.data.at(-1) ?? null) : null;
    this.#cursor = page.next_cursor;
    this.#hasMore = page.has_more;
    this.#publish();
  }

  async #wish<Value>(wish: Wish, deed: () => Promise<Value>): Promise<Value> {
    this.#wishes.add(wish);
    this.#publish();
    try {
      return await deed();
    } finally {
      this.#wishes.delete(wish);
      this.#publish();
    }
  }

  close(): void {
    clearTimeout(this.#saving);
  }

  async #read(): Promise<void> {
    const found = await this.#store.list().catch(() => []);
    // A slow disk has nothing to say that the server has not said better.
    if (this.#isFresh) return;
    this.#threads = new Map([...byId(found), ...this.#threads]);
    this.#publish();
  }

  #remove(id: string): void {
    this.#heard.set(id, false);
    this.#threads.delete(id);
  }

  #list(thread: ListedThread): void {
    const before = this.#threads.get(thread.id);
    const isThere = before !== undefined && order(before, thread) === 0;
    this.#listing?.set(thread.id, isThere);
    this.#heard.delete(thread.id);
    this.#put(thread);
  }

  #put(thread: ListedThread): void {
    if (this.#heard.get(thread.id) === false) return;
    this.#heard.set(thread.id, true);
    const before = this.#threads.get(thread.id);
    if (before === undefined || before.seq <= thread.seq) this.#threads.set(thread.id, thread);
  }

  // What the server's list does not have where it should stand is gone; what would stand behind its end may be there.
  #finish(hasMore: boolean): void {
    const listed = this.#listing ?? new Map<string, boolean>();
    this.#listing = null;
    const last = sorted([...this.#threads.values()].filter((thread) => listed.has(thread.id))).at(-1);
    // Whatever has changed stands further up now: behind one that has not moved stands what stood there before.
    const isJoined = last && listed.get(last.id);
    for (const thread of this.#threads.values()) {
      const isBehind = hasMore && last && order(thread, last) > 0;
      if (isBehind && !isJoined) this.#found.add(thread.id);
      if (!isBehind && !this.#heard.get(thread.id)) this.#threads.delete(thread.id);
    }
    if (isJoined && this.#isFresh) return;
    this.#isFresh = true;
    this.#cursor = null;
    this.#hasMore = hasMore;
    this.#end = last ?? null;
  }

  #isApart(thread: ListedThread): boolean {
    return this.#end !== null && this.#found.has(thread.id) && order(thread, this.#end) > 0;
  }

  #publish(): void {
    const all = sorted(wished([...this.#threads.values()], this.#wishes));
    const threads = all.filter((thread) => !this.#isApart(thread));
    const found = all.filter((thread) => this.#isApart(thread));
    this.view.set({ threads, found, isFresh: this.#isFresh, hasMore: this.#hasMore });
    this.#saving ??= setTimeout(() => {
      this.#saving = undefined;
      const kept = this.view.get().threads.slice(0, KEPT_MAX);
      this.#store.keepList(kept).catch(() => undefined);
    }, 1_000);
  }
}

function wished(threads: ListedThread[], wishes: ReadonlySet<Wish>): ListedThread[] {
  return [...wishes].reduce((all, { id, change }) => {
    const changed = (thread: ListedThread) => (change === null ? [] : { ...thread, ...(change as Partial<Thread>) });
    return all.flatMap((thread) => (thread.id === id ? changed(thread) : thread));
  }, threads);
}

function sorted(threads: ListedThread[]): readonly ListedThread[] {
  return threads.sort(order);
}

function order(one: Thread, other: Thread): number {
  if (one.pinned !== other.pinned) return one.pinned ? -1 : 1;
  if (one.last_activity_at !== other.last_activity_at) return one.last_activity_at > other.last_activity_at ? -1 : 1;
  if (one.id !== other.id) return one.id > other.id ? -1 : 1;
  return 0;
}
