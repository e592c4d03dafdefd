// Sending through a network that loses things, in false time: every message once, and in order.

import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Client } from "../src/client.ts";
import { OwnLocks } from "../src/leader.ts";
import type { Store } from "../src/store/contract.ts";
import { IndexedDBStore } from "../src/store/indexeddb.ts";
import { MemoryStore } from "../src/store/memory.ts";
import { FakeNetwork } from "./fake_network.ts";
import { pass, until, words } from "./waiting.ts";

/** For what comes by itself, without time: as long as a busy machine takes. */
const PATIENCE = { timeout: 30_000 };

let network: FakeNetwork;
let clients: Client[];
let locks: OwnLocks;

beforeEach(() => {
  // Time stands still until a test lets it pass; what is not a timer goes on.
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  network = new FakeNetwork();
  network.make("thr_1");
  network.make("thr_2");
  clients = [];
  locks = new OwnLocks();
  globalThis.indexedDB = new IDBFactory();
});

afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  vi.useRealTimers();
});

function tab(store: Store = new MemoryStore()): Client {
  const client = new Client({ baseUrl: "http://fake", token: "t", fetch: network.fetch, locks, store });
  clients.push(client);
  return client;
}

test("a message is shown at once, stands once in the thread, and keeps its key", async () => {
  const thread = tab().thread("thr_1");
  await until(thread.view, (view) => view.status === "ready");
  const end = thread.view.subscribe(() => {});
  const { key } = await thread.send("hello");
  expect(thread.view.get().messages.map((line) => [line.key, line.delivery])).toEqual([[key, "pending"]]);
  const view = await until(thread.view, ({ messages }) => messages[0]?.delivery === "stored");
  expect(view.messages.map((line) => line.key)).toEqual([key]);
  end();
});

test("whatever is lost on the way there or back, each message happens once, in order", async () => {
  const thread = tab().thread("thr_1");
  const end = thread.view.subscribe(() => {});
  network.faults("lost", "answer lost", { status: 503, code: "unavailable", retryAfter: 2 }, "answer lost");
  for (const text of ["one", "two", "three"]) await thread.send(text);
  await pass(60);
  expect(network.said("thr_1")).toEqual(["one", "two", "three"]);
  expect(words(thread.view.get())).toEqual(["one", "two", "three"]);
  expect(network.reached.filter((line) => line.startsWith("POST")).length).toBe(5);
  end();
});

test("offline, a reload, online: exactly one message", async () => {
  const store = () => new IndexedDBStore("reload");
  network.down();
  const before = tab(store());
  const { key } = await before.thread("thr_1").send("written in a tunnel");
  await before.close();
  const after = tab(store());
  const pending = await until(after.outbox.pending, (all) => all.length === 1);
  expect(pending[0]).toMatchObject({ key, status: "pending" });
  await pass(10);
  expect(network.said("thr_1")).toEqual([]);
  network.up();
  await pass(10);
  expect(network.said("thr_1")).toEqual(["written in a tunnel"]);
  expect(await store().outbox()).toEqual([]);
});

test("the page is closed after the server has it and before the answer: the next one asks with the same key", async () => {
  const store = () => new IndexedDBStore("answer");
  network.faults("answer lost");
  const before = tab(store());
  await before.thread("thr_1").send("once");
  await vi.waitFor(() => expect(network.said("thr_1")).toEqual(["once"]), PATIENCE);
  await before.close();
  tab(store());
  await pass(10);
  expect(network.said("thr_1")).toEqual(["once"]);
  expect(await store().outbox()).toEqual([]);
  expect(network.reached.filter((line) => line.startsWith("POST")).length).toBe(2);
});

test("two tabs have one outbox: one sends, both show it, and the other takes over when it closes", async () => {
  const [leader, follower] = [tab(new IndexedDBStore("tabs")), tab(new IndexedDBStore("tabs"))];
  await follower.thread("thr_1").send("from the second tab");
  await pass(5);
  expect(network.said("thr_1")).toEqual(["from the second tab"]);
  network.down();
  await follower.thread("thr_1").send("later");
  await until(leader.outbox.pending, (all) => all.some((one) => one.body.content === "later"));
  await leader.close();
  network.up();
  await pass(20);
  expect(network.said("thr_1")).toEqual(["from the second tab", "later"]);
});

test("what is refused leaves the conversation, does not hold up the next one, and can be sent again", async () => {
  const thread = tab().thread("thr_1");
  const end = thread.view.subscribe(() => {});
  network.faults({ status: 402, code: "spend_limit" });
  const { key } = await thread.send("too dear");
  await thread.send("next");
  await pass(5);
  const view = thread.view.get();
  expect(words(view)).toEqual(["next"]);
  expect(view.failed).toMatchObject([{ key, error: { code: "spend_limit", message: "It is spend_limit." } }]);
  await clients[0]?.outbox.retry(key);
  await pass(5);
  expect(words(thread.view.get())).toEqual(["next", "too dear"]);
  expect(thread.view.get().failed).toEqual([]);
  end();
});

test("what waits can be taken back; what is there cannot", async () => {
  const client = tab();
  network.down();
  const { key } = await client.thread("thr_1").send("rather not");
  await pass(1);
  expect(await client.outbox.withdraw(key)).toBe(true);
  network.up();
  await pass(10);
  expect(network.said("thr_1")).toEqual([]);
  const sent = await client.thread("thr_1").send("this one");
  await pass(5);
  expect(await client.outbox.withdraw(sent.key)).toBe(false);
  expect(network.said("thr_1")).toEqual(["this one"]);
});

test("what is on its way cannot be taken back: it is sent, or it is not, and never looks otherwise", async () => {
  const client = tab();
  const release = network.hold();
  const { key } = await client.thread("thr_1").send("too late");
  await vi.waitFor(() => expect(network.said("thr_1")).toEqual(["too late"]), PATIENCE);
  const isTakenBack = client.outbox.withdraw(key);
  expect(client.outbox.pending.get()).toMatchObject([{ key, status: "pending" }]);
  release();
  expect(await isTakenBack).toBe(false);
  await pass(5);
  expect(client.outbox.pending.get()).toEqual([]);
});

test("what fails on its way is taken back by who asked for it meanwhile, and not tried again", async () => {
  const client = tab();
  network.faults("held and lost");
  const release = network.hold();
  const { key } = await client.thread("thr_1").send("rather not");
  await vi.waitFor(() => expect(network.held).toBe(1), PATIENCE);
  const isTakenBack = client.outbox.withdraw(key);
  release();
  expect(await isTakenBack).toBe(true);
  await pass(10);
  expect(network.said("thr_1")).toEqual([]);
  expect(client.outbox.pending.get()).toEqual([]);
});

test("a tab that is not the leader sends nothing itself", async () => {
  const store = () => new IndexedDBStore("quiet");
  tab(store());
  const asked: string[] = [];
  const spied: typeof fetch = (input, init) => {
    asked.push(`${init?.method} ${input}`);
    return network.fetch(input, init);
  };
  const follower = new Client({ baseUrl: "http://fake", token: "t", fetch: spied, locks, store: store() });
  clients.push(follower);
  for (const text of ["one", "two"]) await follower.thread("thr_1").send(text);
  await pass(5);
  expect(network.said("thr_1")).toEqual(["one", "two"]);
  expect(asked).toEqual([]);
});

test("a thread that cannot be written to does not hold up another one", async () => {
  const client = tab();
  network.faults({ status: 404, code: "not_found" });
  await client.thread("thr_1").send("to the first");
  await client.thread("thr_2").send("to the second");
  await pass(5);
  expect(network.said("thr_2")).toEqual(["to the second"]);
  expect(client.outbox.pending.get()).toMatchObject([{ thread_id: "thr_1", status: "failed" }]);
});

test("who is not known any more loses nothing: it is sent after signing in again", async () => {
  const client = tab();
  network.faults({ status: 401, code: "unauthorized" });
  await client.thread("thr_1").send("still me");
  await pass(60);
  expect(client.outbox.pending.get()).toMatchObject([{ status: "pending" }]);
  client.retry();
  await pass(5);
  expect(network.said("thr_1")).toEqual(["still me"]);
});

test("a thread that is begun offline is made once, with its first message once, whatever is lost on the way", async () => {
  const store = () => new IndexedDBStore("begun");
  network.down();
  const before = tab(store());
  const { key } = await before.begin("a first question", { model: "demo/echo" });
  await pass(5);
  await before.close();
  const after = tab(store());
  await until(after.outbox.pending, (all) => all.length === 1);
  network.up();
  network.faults("lost", "answer lost", { status: 503, code: "unavailable" }, "answer lost", "answer lost");
  await pass(60);
  const id = `thr_of_${key}`;
  expect([...network.threads.keys()]).toEqual(["thr_1", "thr_2", id]);
  expect(network.said(id)).toEqual(["a first question"]);
  expect(after.outbox.begun.get().get(key)).toBe(id);
  expect(await store().outbox()).toEqual([]);
  expect(after.outbox.pending.get()).toEqual([]);
});

test("once its thread is there, a first message is shown in it until it stands there", async () => {
  const client = tab();
  network.faults({ status: 422, code: "invalid_request" });
  const { key } = await client.begin("refused");
  await until(client.outbox.pending, ([one]) => one?.status === "failed");
  await client.outbox.retry(key);
  const id = await until(client.outbox.begun, (begun) => begun.has(key)).then((begun) => begun.get(key) ?? "");
  const thread = client.thread(id);
  const end = thread.view.subscribe(() => {});
  const view = await until(thread.view, ({ messages }) => messages[0]?.delivery === "stored");
  expect(view.messages.map((line) => line.key)).toEqual([key]);
  end();
});

test("every tab hears which thread a first message has made", async () => {
  const store = new MemoryStore();
  const leader = tab(store);
  const other = tab(store);
  const { key } = await other.begin("hello");
  await until(other.outbox.begun, (begun) => begun.has(key));
  expect(leader.outbox.begun.get().get(key)).toBe(`thr_of_${key}`);
  await until(other.outbox.pending, (all) => all.length === 0);
});
