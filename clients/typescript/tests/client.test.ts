// Following threads through a network that breaks, in false time.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Client } from "../src/client.ts";
import { MemoryStore } from "../src/store/memory.ts";
import { FakeNetwork, runOf } from "./fake_network.ts";
import { messageOf } from "./records.ts";
import { pass, until, words } from "./waiting.ts";

let network: FakeNetwork;
let client: Client;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  network = new FakeNetwork();
  network.make("thr_1");
  network.make("thr_2");
  client = new Client({ baseUrl: "http://fake", token: "t", fetch: network.fetch, store: new MemoryStore() });
});

afterEach(async () => {
  await client.close();
  vi.useRealTimers();
});

function phase(): string {
  return client.connection.get().phase;
}

function say(id: string, text: string): void {
  const number = network.threads.get(id)?.log.length ?? 0;
  const tip = words(client.thread(id).view.get()).length === 0 ? null : client.thread(id).state.thread?.tip_message_id;
  network.append(id, {
    type: "message.created",
    message: messageOf(`msg_x${number}`, text, { parent_id: tip ?? null }),
  });
}

test("several threads and the list share one connection", async () => {
  const ends = [client.thread("thr_1"), client.thread("thr_2"), client.threads].map(({ view }) =>
    view.subscribe(() => {}),
  );
  await pass(1);
  expect([phase(), network.streams]).toEqual(["live", 1]);
  say("thr_1", "here");
  say("thr_2", "there");
  await pass(1);
  expect([words(client.thread("thr_1").view.get()), words(client.thread("thr_2").view.get())]).toEqual([
    ["here"],
    ["there"],
  ]);
  for (const end of ends) end();
  await pass(5);
  expect([phase(), network.streams]).toEqual(["idle", 0]);
});

test("a stream that ends is a break, and nothing is missing or there twice afterwards", async () => {
  const { view } = client.thread("thr_1");
  const end = view.subscribe(() => {});
  await pass(1);
  say("thr_1", "before");
  await pass(1);
  network.down();
  await pass(1);
  expect(["waiting", "connecting"]).toContain(phase());
  say("thr_1", "meanwhile");
  await pass(30);
  expect(words(view.get())).toEqual(["before"]);
  network.up();
  await pass(10);
  expect([phase(), words(view.get())]).toEqual(["live", ["before", "meanwhile"]]);
  end();
});

test("a connection that has fallen silent is given up", async () => {
  const end = client.thread("thr_1").view.subscribe(() => {});
  await pass(1);
  const phases = new Set<string>();
  client.connection.subscribe(() => phases.add(phase()));
  await pass(60);
  expect(phases).toContain("waiting");
  expect(phase()).toBe("live");
  end();
});

test("the device says that it is offline and online again", async () => {
  const events = new EventTarget();
  vi.stubGlobal("addEventListener", events.addEventListener.bind(events));
  const phone = new Client({ baseUrl: "http://fake", token: "t", fetch: network.fetch, store: new MemoryStore() });
  const end = phone.thread("thr_1").view.subscribe(() => {});
  await pass(1);
  events.dispatchEvent(new Event("offline"));
  expect([phone.connection.get().phase, network.streams]).toEqual(["offline", 0]);
  await pass(30);
  expect(phone.connection.get().phase).toBe("offline");
  events.dispatchEvent(new Event("online"));
  expect(phone.connection.get().phase).toBe("connecting");
  end();
  await phone.close();
  vi.unstubAllGlobals();
});

test("a thread that somebody has deleted does not take the others with it", async () => {
  const ends = ["thr_1", "thr_2"].map((id) => client.thread(id).view.subscribe(() => {}));
  await pass(1);
  network.down();
  network.threads.delete("thr_1");
  network.up();
  await pass(30);
  expect(client.thread("thr_1").view.get().status).toBe("gone");
  say("thr_2", "goes on");
  await pass(1);
  expect([phase(), words(client.thread("thr_2").view.get())]).toEqual(["live", ["goes on"]]);
  for (const end of ends) end();
});

test("who is removed from a room hears of it by the list, and the room is gone", async () => {
  const list = client.threads.view.subscribe(() => {});
  const { view } = client.thread("thr_1");
  const end = view.subscribe(() => {});
  await pass(1);
  expect(view.get().status).toBe("ready");
  network.remove("thr_1");
  await pass(1);
  expect([view.get().status, phase()]).toEqual(["gone", "live"]);
  end();
  list();
});

test("a hole in what comes is filled by reading the state anew", async () => {
  const thread = client.thread("thr_1");
  const end = thread.view.subscribe(() => {});
  await pass(1);
  say("thr_1", "one");
  await pass(1);
  const log = network.threads.get("thr_1")?.log ?? [];
  network.cut(); // So that nobody hears of it but through the hole.
  say("thr_1", "two");
  thread.take([
    { type: "message.superseded", message_id: "msg_none", by_attempt: 2, seq: log.length + 1, thread_id: "thr_1" },
  ]);
  await until(thread.view, (view) => words(view).length === 2);
  expect(words(thread.view.get())).toEqual(["one", "two"]);
  end();
});

test("who was away for long reads where things stand, and not all that led there", async () => {
  const { view } = client.thread("thr_1");
  view.subscribe(() => {})();
  await pass(5);
  for (let place = 0; place < 1200; place++) network.append("thr_1", { type: "thread.updated", thread: {} });
  const list = client.threads.view.subscribe(() => {});
  await pass(1);
  client.threads.put({ ...network.make("thr_3"), id: "thr_1", seq: 1201 });
  network.reached.length = 0;
  const end = view.subscribe(() => {});
  await pass(1);
  expect(network.reached).toEqual(["GET /v1/threads/thr_1/state"]);
  expect([phase(), client.thread("thr_1").cursor]).toEqual(["live", 1201]);
  end();
  list();
});

test("what waits behind an answer is shown behind it, with its run", async () => {
  const thread = client.thread("thr_1");
  const end = thread.view.subscribe(() => {});
  await pass(1);
  const input = messageOf("msg_w", "waits", { request_id: "k", seq: null });
  network.append("thr_1", { type: "run.queued", run: runOf("run_1", { status: "queued", input, position: 1 }) });
  await pass(1);
  expect(thread.view.get().messages).toMatchObject([
    { key: "k", delivery: "queued", run: { id: "run_1", position: 1 } },
  ]);
  expect(thread.view.get().queue.map((run) => run.id)).toEqual(["run_1"]);
  end();
});
