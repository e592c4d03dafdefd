// The client: one connection, one store, one outbox, and the threads that somebody looks at.

import type { WireEvent } from "./fold.ts";
import { type Asked, Http, type HttpOptions, type Operation } from "./http.ts";
import { type Locks, locksHere, OwnLocks } from "./leader.ts";
import { Link, type Told } from "./link.ts";
import { type ListWord, ThreadList } from "./list.ts";
import type { Connection } from "./machine.ts";
import { Outbox, type Pending } from "./outbox.ts";
import type { PresenceWord } from "./presence.ts";
import type { Readable } from "./signal.ts";
import type { Outgoing, Store } from "./store/contract.ts";
import { IndexedDBStore } from "./store/indexeddb.ts";
import { lastingStore } from "./store/lasting.ts";
import { MemoryStore } from "./store/memory.ts";
import { LiveThread, type SendOptions } from "./thread.ts";
import type { CreateThread, Operations, SendMessage, File as StoredFile, Thread } from "./types.ts";
import { type UploadOptions, upload } from "./upload.ts";
import { Voice } from "./voice.ts";

export interface ClientOptions extends HttpOptions {
  /** Whose data this is: keeps the stores, locks and channels of several people on one device apart. */
  readonly name?: string;
  /** IndexedDB where there is one, else memory. */
  readonly store?: Store;
  readonly locks?: Locks;
  /** The list is that of this end user; for keys, which see everybody's. */
  readonly endUserId?: string;
  /** Where the runtime has none of its own; only used to say that one is typing. */
  readonly WebSocket?: typeof WebSocket;
}

export class Client {
  readonly http: Http;
  readonly threads: ThreadList;
  readonly outbox: Outbox;
  readonly #endUserId: string | undefined;
  readonly #store: Store;
  readonly #link: Link;
  readonly #open = new Map<string, LiveThread>();
  readonly #voice: Voice;
  readonly #close = new AbortController();
  #isDoubted = false;

  constructor(options: ClientOptions = {}) {
    const name = options.name ?? "threadline";
    this.#endUserId = options.endUserId;
    this.http = new Http(options);
    this.#store =
      options.store ?? (typeof indexedDB === "undefined" ? new MemoryStore() : lastingStore(new IndexedDBStore(name)));
    const [http, store] = [this.http, this.#store];
    this.#link = new Link({
      http,
      query: () => this.#query(),
      onTold: (told) => this.#take(told),
      onLost: () => this.#mend(),
    });
    this.threads = new ThreadList(http, store, () => this.#link.changed());
    this.#voice = new Voice(http, options.endUserId, options.WebSocket);
    const [deliver, create] = [this.#deliver, this.#create];
    // What nobody shares, nobody else sends.
    const locks = options.locks ?? (store instanceof MemoryStore ? new OwnLocks() : locksHere());
    this.outbox = new Outbox({ store, name, locks, deliver, create, onUnauthorized: () => this.#doubt() });
    this.#listen();
  }

  /** Whether, and how, the server is heard. */
  get connection(): Readable<Connection> {
    return this.#link.connection;
  }

  /** A thread. It is followed while somebody subscribes to its `view`. */
  thread(id: string): LiveThread {
    let found = this.#open.get(id);
    if (found === undefined) {
      const [http, store, outbox] = [this.http, this.#store, this.outbox];
      const headOf = () => this.threads.view.get().threads.find((thread) => thread.id === id)?.seq ?? 0;
      const onFollowed = () => this.#link.changed();
      const onGone = () => this.threads.drop(id);
      found = new LiveThread({ id, http, store, outbox, headOf, onFollowed, onGone });
      this.#open.set(id, found);
    }
    return found;
  }

  /** Let the others in a thread see that one is typing; to be said with every key, it is passed on every few seconds. */
  typing(threadId: string, isTyping = true): void {
    this.#voice.typing(threadId, isTyping);
  }

  async createThread(body: CreateThread = {}, signal?: AbortSignal): Promise<Thread> {
    const whose = this.#endUserId === undefined ? {} : { end_user_id: this.#endUserId };
    const asked = { body: { ...whose, ...body }, signal };
    const thread = await this.http.call("POST /v1/threads", asked);
    this.threads.put(thread);
    return thread;
  }

  /**
   * Begin a thread with a message. Both are safe on this device when this resolves, and happen once, whatever becomes of
   * the network; `outbox.begun` then has the thread's id, under the message's key.
   */
  begin(content: SendMessage["content"], thread: CreateThread = {}, options: SendOptions = {}): Promise<Pending> {
    return this.outbox.begin(thread, { content, ...options });
  }

  /** Upload a file, for a block of a message: `{type: "file", file_id}` is its source. */
  upload(blob: Blob, options: UploadOptions = {}): Promise<StoredFile> {
    return upload(this.http, blob, { endUserId: this.#endUserId, ...options });
  }

  /** Ask for anything that the server offers, with its types. */
  call<Name extends Operation>(name: Name, asked: Asked<Name>): Promise<Operations[Name]["answer"]> {
    return this.http.call(name, asked);
  }

  /** Try everything again now, such as after signing in. */
  retry(): void {
    this.#isDoubted = false;
    this.#link.changed();
    this.outbox.wake();
  }

  /** Forget all that is kept on this device, such as after signing out; what was not sent yet is lost. */
  async forget(): Promise<void> {
    await this.close();
    await this.#store.clear();
  }

  async close(): Promise<void> {
    this.#close.abort();
    this.#link.close();
    this.outbox.close();
    this.threads.close();
    this.#voice.close();
    await Promise.allSettled([...this.#open.values()].map((thread) => thread.close()));
    this.#open.clear();
  }

  #listen(): void {
    const { signal } = this.#close;
    globalThis.addEventListener?.("online", () => this.outbox.wake(), { signal });
    // Both are the client's own, and go with it.
    this.#link.connection.subscribe(() => {
      const { phase } = this.#link.connection.get();
      if (phase === "connecting") this.threads.begin();
      if (phase === "live") this.outbox.wake();
    });
    this.outbox.pending.subscribe(() => {
      for (const thread of this.#open.values()) thread.publish();
      this.outbox.seen((one) => !this.#open.get(one.thread_id)?.isFollowed);
    });
  }

  #followed(): readonly LiveThread[] {
    return [...this.#open.values()].filter((thread) => thread.cursor !== null);
  }

  #query(): Record<string, string | number> | null {
    const followed = this.#followed();
    if (followed.length === 0 && !this.threads.view.isWatched) return null;
    const query: Record<string, string | number> = {};
    if (followed.length > 0) query.threads = followed.map((thread) => `${thread.id}:${thread.cursor}`).join(",");
    if (this.#endUserId !== undefined) query.end_user_id = this.#endUserId;
    if (!this.threads.view.isWatched) query.limit = 1;
    return query;
  }

  // What came together is shown together: each thread hears of its events once.
  #take(told: readonly Told[]): void {
    const list = told.filter(isOfList);
    const threads = new Map<string, (WireEvent | PresenceWord)[]>();
    for (const one of told) {
      if (isOfList(one) || one.type === "caught_up" || one.thread_id === undefined) continue;
      const words = threads.get(one.thread_id) ?? [];
      threads.set(one.thread_id, words);
      words.push(one as WireEvent | PresenceWord);
    }
    if (this.threads.view.isWatched) this.threads.take(list);
    for (const word of list) {
      if (word.type === "listed") continue;
      // Whoever is removed from a room hears nothing more of it, and whoever is back nothing yet: it is asked for.
      const isThere = word.type === "thread";
      const open = this.#open.get(isThere ? word.thread.id : word.thread_id);
      if (open?.isFollowed && isThere === (open.view.get().status === "gone")) open.reload().catch(() => undefined);
    }
    for (const [id, words] of threads) this.#open.get(id)?.take(words);
  }

  async #mend(): Promise<void> {
    await Promise.allSettled(this.#followed().map((thread) => thread.reload()));
  }

  // Who may not send any more, may not listen either: the connection will say so. It is asked once.
  #doubt(): void {
    if (!this.#isDoubted) this.#link.changed();
    this.#isDoubted = true;
  }

  readonly #create = async ({ key, create }: Outgoing, signal: AbortSignal): Promise<string> => {
    return (await this.createThread({ external_id: key, ...create }, signal)).id;
  };

  readonly #deliver = async ({ thread_id, body, key }: Outgoing, signal: AbortSignal): Promise<string> => {
    const asked = { path: { thread_id }, body: { ...body, background: true }, idempotencyKey: key, signal };
    return (await this.http.call("POST /v1/threads/{thread_id}/messages", asked)).message.id;
  };
}

function isOfList(told: Told): told is ListWord & Told {
  return told.type === "thread" || told.type === "listed" || told.type === "thread.removed";
}
