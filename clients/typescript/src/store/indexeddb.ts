// A store in the browser. One transaction for what belongs together: a cursor never stands beside messages of another
// moment.

import type { Message, Thread } from "../types.ts";
import type { KeptThread, Outgoing, Store } from "./contract.ts";

const VERSION = 1;
const EVERYTHING = ["list", "threads", "messages", "outbox"];

export class IndexedDBStore implements Store {
  readonly #name: string;
  #database: Promise<IDBDatabase> | undefined;

  /** `name` should say whose it is: another person on the same device has another one. */
  constructor(name = "threadline") {
    this.#name = name;
  }

  async list(): Promise<readonly Thread[]> {
    const found = await this.#in(["list"], "readonly", ([list]) => all<{ threads: Thread[] }>(list));
    return found[0]?.threads ?? [];
  }

  async keepList(threads: readonly Thread[]): Promise<void> {
    await this.#in(["list"], "readwrite", async ([list]) => {
      list.put({ id: "all", threads });
    });
  }

  async thread(id: string): Promise<{ kept: KeptThread; messages: readonly Message[] } | undefined> {
    return this.#in(["threads", "messages"], "readonly", async ([threads, messages]) => {
      const kept = await result<KeptThread | undefined>(threads.get(id));
      const found = await all<KeptMessage>(messages.index("of"), id);
      return kept && { kept, messages: found.map(({ message }) => message) };
    });
  }

  async keep(kept: KeptThread, changed: readonly Message[]): Promise<void> {
    await this.#in(["threads", "messages"], "readwrite", async ([threads, messages]) => {
      const before = await result<KeptThread | undefined>(threads.get(kept.id));
      if (before !== undefined && before.seq > kept.seq) return;
      threads.put(kept);
      for (const message of changed) messages.put({ of: kept.id, id: message.id, message } satisfies KeptMessage);
    });
  }

  async forget(threadId: string): Promise<void> {
    await this.#in(["threads", "messages"], "readwrite", async ([threads, messages]) => {
      threads.delete(threadId);
      for (const key of await result(messages.index("of").getAllKeys(threadId))) messages.delete(key);
    });
  }

  async outbox(): Promise<readonly Outgoing[]> {
    return this.#in(["outbox"], "readonly", ([outbox]) => all<Outgoing>(outbox));
  }

  async enqueue(outgoing: Omit<Outgoing, "order">): Promise<Outgoing> {
    return this.#in(["outbox"], "readwrite", async ([outbox]) => {
      // The store itself counts, so that the order is one for all tabs.
      const order = Number(await result(outbox.add(outgoing)));
      return { ...outgoing, order };
    });
  }

  async change(outgoing: Outgoing): Promise<boolean> {
    return this.#in(["outbox"], "readwrite", async ([outbox]) => {
      if ((await result(outbox.getKey(outgoing.order))) === undefined) return false;
      outbox.put(outgoing);
      return true;
    });
  }

  async drop(key: string): Promise<boolean> {
    return this.#in(["outbox"], "readwrite", async ([outbox]) => {
      const order = await result(outbox.index("key").getKey(key));
      if (order === undefined) return false;
      outbox.delete(order);
      return true;
    });
  }

  async clear(): Promise<void> {
    await this.#in(EVERYTHING, "readwrite", async (stores) => {
      for (const store of stores) store.clear();
    });
  }

  close(): void {
    this.#database?.then(
      (database) => database.close(),
      () => {},
    );
  }

  async #in<Value>(names: string[], mode: IDBTransactionMode, work: Work<Value>): Promise<Value> {
    const transaction = await this.#begin(names, mode).catch(() => {
      // A browser may close a database, such as that of a page in the background: it is opened again.
      this.#database = undefined;
      return this.#begin(names, mode);
    });
    const done = ended(transaction);
    const stores = names.map((name) => transaction.objectStore(name)) as Stores;
    const [value] = await Promise.all([work(stores), done]);
    return value;
  }

  async #begin(names: string[], mode: IDBTransactionMode): Promise<IDBTransaction> {
    this.#database ??= open(this.#name);
    const database = await this.#database;
    // Whoever waits to have it otherwise, such as a newer version of this page, need not wait for us.
    database.onversionchange = () => database.close();
    // The disk has it before anybody is told so.
    return database.transaction(names, mode, { durability: "strict" });
  }
}

interface KeptMessage {
  readonly of: string;
  readonly id: string;
  readonly message: Message;
}

type Stores = [IDBObjectStore, IDBObjectStore, IDBObjectStore, IDBObjectStore];
type Work<Value> = (stores: Stores) => Promise<Value>;

function open(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, VERSION);
  request.onupgradeneeded = () => {
    const database = request.result;
    database.createObjectStore("list", { keyPath: "id" });
    database.createObjectStore("threads", { keyPath: "id" });
    // A fork shows messages of its source: the same message may lie in two threads.
    const messages = database.createObjectStore("messages", { keyPath: ["of", "id"] });
    messages.createIndex("of", "of");
    const outbox = database.createObjectStore("outbox", { keyPath: "order", autoIncrement: true });
    outbox.createIndex("key", "key", { unique: true });
  };
  return result(request);
}

function result<Value>(request: IDBRequest<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function all<Value>(from: IDBObjectStore | IDBIndex, key?: string): Promise<Value[]> {
  return result(from.getAll(key) as IDBRequest<Value[]>);
}

function ended(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    // Also after an error.
    transaction.onabort = () => reject(transaction.error);
  });
}
