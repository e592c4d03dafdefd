// What is tried again, and what comes back: states that only a reload led out of would be faults. In false time.

import "fake-indexeddb/auto";
import { forceCloseDatabase, IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Client, type ClientOptions } from "../src/client.ts";
import { OwnLocks } from "../src/leader.ts";
import type { KeptThread } from "../src/store/contract.ts";
import { IndexedDBStore } from "../src/store/indexeddb.ts";
import { MemoryStore } from "../src/store/memory.ts";
import type { Message } from "../src/types.ts";
import { FakeNetwork } from "./fake_network.ts";
import { messageOf } from "./records.ts";
import { pass, until, words } from "./waiting.ts";

let network: FakeNetwork;
let clients: Client[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  network = new FakeNetwork();
  network.make("thr_1");
  clients = [];
  globalThis.indexedDB = new IDBFactory();
});

afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function made(options: ClientOptions = {}): Client {
  const client = new Client({
    baseUrl: "http://fake",
    token: "t",
    fetch: network.fetch,
    store: new MemoryStore(),
    ...options,
  });
  clients.push(client);
  return client;
}

test("a room that somebody was removed from is there again once he is invited again", async () => {
  const client = made();
  client.threads.view.subscribe(() => {});
  const { view } = client.thread("thr_1");
  view.subscribe(() => {});
  await pass(1);
  network.remove("thr_1");
  await pass(1);
  expect(view.get().status).toBe("gone");
  const thread = network.make("thr_1");
  network.list(thread);
  await pass(1);
  expect(view.get().status).toBe("ready");
});

test("whoever comes again to a room that was nobody's asks for it again", async () => {
  const client = made();
  const { view } = client.thread("thr_later");
  const end = view.subscribe(() => {});
  await pass(1);
  expect(view.get().status).toBe("gone");
  end();
  await pass(5);
  network.make("thr_later");
  view.subscribe(() => {});
  await pass(1);
  expect(view.get().status).toBe("ready");
});

test("a branch that could not be read is read again, with nobody doing anything", async () => {
  const client = made();
  const { view } = client.thread("thr_1");
  view.subscribe(() => {});
  await pass(1);
  network.pages.set("msg_far", [messageOf("msg_far", "over there")]);
  network.failing = true;
  network.append("thr_1", { type: "thread.updated", thread: { tip_message_id: "msg_far" } });
  await pass(1);
  expect(words(view.get())).toEqual([]);
  network.failing = false;
  await pass(20);
  expect(words(view.get())).toEqual(["over there"]);
});

test("what the store has without its branch is read to its end", async () => {
  const store = new MemoryStore();
  const { thread } = network.threads.get("thr_1") ?? {};
  if (thread === undefined) throw new Error("no thread");
  await store.keep(
    { id: "thr_1", seq: 1, thread: { ...thread, tip_message_id: "msg_far" }, runs: [], members: [] },
    [],
  );
  network.pages.set("msg_far", [messageOf("msg_far", "over there")]);
  const { view } = made({ store }).thread("thr_1");
  view.subscribe(() => {});
  await pass(1);
  expect(words(view.get())).toEqual(["over there"]);
});

test("what a store could not keep it is given again", async () => {
  class FullStore extends MemoryStore {
    isFull = false;
    override async keep(kept: KeptThread, changed: readonly Message[]): Promise<void> {
      if (this.isFull) throw new DOMException("There is no room.", "QuotaExceededError");
      await super.keep(kept, changed);
    }
  }
  const store = new FullStore();
  made({ store })
    .thread("thr_1")
    .view.subscribe(() => {});
  await pass(1);
  store.isFull = true;
  network.append("thr_1", { type: "message.created", message: messageOf("msg_1", "one") });
  await pass(2);
  store.isFull = false;
  network.append("thr_1", { type: "message.created", message: messageOf("msg_2", "two", { parent_id: "msg_1" }) });
  await pass(2);
  expect((await store.thread("thr_1"))?.messages.map(({ id }) => id)).toEqual(["msg_1", "msg_2"]);
});

test("a database that the browser has closed is opened again", async () => {
  const { open } = indexedDB;
  const opened: IDBOpenDBRequest[] = [];
  vi.spyOn(indexedDB, "open").mockImplementation((...asked) => {
    opened.push(open.apply(indexedDB, asked));
    return opened.at(-1) as IDBOpenDBRequest;
  });
  const client = made({ store: new IndexedDBStore("closed") });
  await client.thread("thr_1").send("before");
  await pass(1);
  for (const { result } of opened) forceCloseDatabase(result as never);
  await client.thread("thr_1").send("after");
  await pass(1);
  expect(network.said("thr_1")).toEqual(["before", "after"]);
});

test("a newer version of the page need not wait for this one to be closed", async () => {
  const store = new IndexedDBStore("older");
  await store.list();
  await new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase("older");
    request.onsuccess = resolve;
    request.onblocked = () => reject(new Error("It is held."));
  });
  expect(await store.list()).toEqual([]);
});

test("messages of a store that nobody shares are sent, whoever leads elsewhere", async () => {
  const [one, other] = [made(), made()];
  await one.thread("thr_1").send("from one");
  await other.thread("thr_1").send("from the other");
  await pass(1);
  expect(network.said("thr_1").sort()).toEqual(["from one", "from the other"]);
});

test("a leader that sleeps does not keep the others from sending", async () => {
  const locks = new OwnLocks();
  void locks.hold("threadline:leader", () => new Promise(() => {}), new AbortController().signal);
  const client = made({ locks });
  await client.thread("thr_1").send("one");
  await pass(5);
  expect(network.said("thr_1")).toEqual([]);
  await pass(10);
  expect(network.said("thr_1")).toEqual(["one"]);
  await client.thread("thr_1").send("two");
  await pass(1);
  expect(network.said("thr_1")).toEqual(["one", "two"]);
});

test("an outbox that could not be read at first is read when the server is heard", async () => {
  class LateStore extends MemoryStore {
    isReady = false;
    override async outbox() {
      if (!this.isReady) throw new DOMException("Not yet.", "UnknownError");
      return super.outbox();
    }
  }
  const store = new LateStore();
  const left = { key: "k", thread_id: "thr_1", body: { content: "from yesterday" }, created_at: "" } as const;
  await store.enqueue({ ...left, status: "pending", error: null });
  const client = made({ store });
  await pass(1);
  store.isReady = true;
  client.threads.view.subscribe(() => {});
  await pass(1);
  expect(network.said("thr_1")).toEqual(["from yesterday"]);
});

test("a page that stood still while the network came back looks again when it is seen", async () => {
  const [page, document] = [new EventTarget(), new EventTarget()];
  vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
  vi.stubGlobal("document", document);
  const client = made();
  client.threads.view.subscribe(() => {});
  await pass(1);
  page.dispatchEvent(new Event("offline"));
  expect(client.connection.get().phase).toBe("offline");
  document.dispatchEvent(new Event("visibilitychange"));
  await until(client.connection, ({ phase }) => phase === "live");
});

test("a state that cannot be read after a hole is left to the log", async () => {
  const client = made();
  const thread = client.thread("thr_1");
  thread.view.subscribe(() => {});
  await pass(1);
  network.failing = true;
  network.cut(); // So that nobody hears of it but through the hole.
  network.append("thr_1", { type: "message.created", message: messageOf("msg_1", "one") });
  network.append("thr_1", { type: "message.created", message: messageOf("msg_2", "two", { parent_id: "msg_1" }) });
  thread.take([{ type: "message.superseded", message_id: "msg_none", by_attempt: 2, seq: 3, thread_id: "thr_1" }]);
  await pass(1);
  expect(words(thread.view.get())).toEqual(["one", "two"]);
});

test("what is mended is connected to once", async () => {
  network.make("thr_2");
  const client = made();
  for (const id of ["thr_1", "thr_2"]) client.thread(id).view.subscribe(() => {});
  await pass(1);
  network.refusing = 400;
  network.cut();
  await pass(10);
  const asked = network.refused;
  await pass(10);
  // A pause between any two: a stream that is refused for good is not asked for without end.
  expect(network.refused - asked).toBeLessThan(20);
});

test("where all that was followed is gone, nothing is connected to any more", async () => {
  const client = made();
  client.thread("thr_1").view.subscribe(() => {});
  await pass(1);
  network.threads.delete("thr_1");
  network.cut();
  await pass(10);
  expect([client.thread("thr_1").view.get().status, client.connection.get().phase]).toEqual(["gone", "idle"]);
});
