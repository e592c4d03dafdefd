// The client against the real server, over a real network.

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Client } from "../src/client.ts";
import { MemoryStore } from "../src/store/memory.ts";
import type { Message, MessagePage, State } from "../src/types.ts";
import { RealServer } from "./real_server.ts";
import { counted, isAnswered, until, words } from "./waiting.ts";

const PATIENCE = 300_000;
const server = new RealServer();
let clients: Client[] = [];

beforeAll(() => server.start(), PATIENCE);
afterAll(() => server.stop(), PATIENCE);
afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  clients = [];
});

function clientOf(store = new MemoryStore(), of = server): Client {
  const client = new Client({ baseUrl: of.url, token: of.key, store, name: `test-${clients.length}` });
  clients.push(client);
  return client;
}

test("a send is shown at once and answered word for word, as the server has it", { timeout: PATIENCE }, async () => {
  const client = clientOf();
  const { id } = await client.createThread({ model: "demo/echo@max" });
  const thread = client.thread(id);
  await until(thread.view, (view) => view.status === "ready");
  const sent = thread.send("hello there");
  await until(thread.view, (view) => view.messages.length > 0);
  await sent;
  const view = await until(thread.view, isAnswered);
  expect(words(view)).toEqual(["hello there", "hello there"]);
  expect(view.messages[0]?.key).toBe((await sent).key);
  const state = await server.ask<State>("GET", `/v1/threads/${id}/state`);
  expect(view.messages.map((shown) => shown.message)).toEqual(state.messages);
  expect(client.outbox.pending.get()).toEqual([]);
});

test("kill -9 and a restart in mid-answer: every word, once", { timeout: PATIENCE }, async () => {
  await using mortal = new RealServer();
  await mortal.start();
  const client = clientOf(new MemoryStore(), mortal);
  const { id } = await client.createThread({ model: "demo/count-60@20" });
  const thread = client.thread(id);
  const end = thread.view.subscribe(() => {});
  await thread.send("count");
  await until(thread.view, (view) => (words(view)[1] ?? "").includes("w9"));
  await mortal.kill9();
  await until(client.connection, ({ phase }) => phase === "waiting");
  // What is sent while it is away is safe, and its turn comes.
  await thread.send("and again", { model: "demo/echo@max" });
  expect(words(thread.view.get()).at(-1)).toBe("and again");
  await mortal.start();
  const view = await until(thread.view, (seen) => seen.messages.length === 4 && isAnswered(seen));
  expect(words(view)).toEqual(["count", counted(60), "and again", "and again"]);
  const page = await mortal.ask<MessagePage>("GET", `/v1/threads/${id}/messages?order=asc`);
  expect(page.data.map((message: Message) => message.role)).toEqual(["user", "assistant", "user", "assistant"]);
  end();
});

test("what is kept is shown without the server, and catches up from its cursor", { timeout: PATIENCE }, async () => {
  const store = new MemoryStore();
  const first = clientOf(store);
  const { id } = await first.createThread({ model: "demo/echo@max" });
  const thread = first.thread(id);
  const end = thread.view.subscribe(() => {});
  await thread.send("one");
  await until(thread.view, isAnswered);
  end();
  await first.close();
  await server.ask("POST", `/v1/threads/${id}/messages`, { content: "two" });

  const asked: string[] = [];
  const spy: typeof fetch = (input, init) => {
    asked.push(String(input));
    return fetch(input, init);
  };
  const second = new Client({ baseUrl: server.url, token: server.key, store, fetch: spy });
  clients.push(second);
  const again = second.thread(id);
  const shown = await until(again.view, (view) => view.status === "ready");
  expect(words(shown)).toEqual(["one", "one"]);
  const caught = await until(again.view, (view) => view.messages.length === 4 && isAnswered(view));
  expect(words(caught)).toEqual(["one", "one", "two", "two"]);
  expect(asked.some((address) => address.includes("/state"))).toBe(false);
});

test("the list follows threads that others make, change and delete", { timeout: PATIENCE }, async () => {
  const client = clientOf();
  const end = client.threads.view.subscribe(() => {});
  await until(client.threads.view, (view) => view.isFresh);
  const { id } = await server.ask<{ id: string }>("POST", "/v1/threads", { title: "by somebody else" });
  const titles = () => client.threads.view.get().threads.map((thread) => thread.title);
  await until(client.threads.view, () => titles().includes("by somebody else"));
  await server.ask("PATCH", `/v1/threads/${id}`, { title: "renamed", pinned: true });
  await until(client.threads.view, () => titles()[0] === "renamed");
  await server.ask("DELETE", `/v1/threads/${id}`);
  await until(client.threads.view, () => !titles().includes("renamed"));
  end();
});

test("older messages are read when asked for, and an edit leaves the earlier branch", {
  timeout: PATIENCE,
}, async () => {
  const client = clientOf();
  const { id } = await client.createThread({ model: "demo/echo@max" });
  for (let place = 0; place < 30; place++) {
    await server.ask("POST", `/v1/threads/${id}/messages`, { content: `m${place}` });
  }
  const thread = client.thread(id);
  const end = thread.view.subscribe(() => {});
  const first = await until(thread.view, (view) => view.status === "ready");
  expect([first.messages.length, first.hasOlder]).toEqual([50, true]);
  await thread.loadOlder();
  const whole = thread.view.get();
  expect([whole.messages.length, whole.hasOlder]).toEqual([60, false]);
  expect(words(whole)).toEqual(Array.from({ length: 60 }, (_, place) => `m${Math.floor(place / 2)}`));
  await thread.edit(whole.messages[2]?.message.id ?? "", "m1, put otherwise");
  const edited = await until(thread.view, (view) => view.messages.length === 4 && isAnswered(view));
  expect(words(edited)).toEqual(["m0", "m0", "m1, put otherwise", "m1, put otherwise"]);
  end();
});

test("a thread that is deleted, and one that never was, is gone", { timeout: PATIENCE }, async () => {
  const client = clientOf();
  const { id } = await client.createThread();
  const thread = client.thread(id);
  const end = thread.view.subscribe(() => {});
  await until(thread.view, (view) => view.status === "ready");
  const other = client.thread("thr_unheard_of");
  await until(other.view, (view) => view.status === "gone");
  await server.ask("DELETE", `/v1/threads/${id}`);
  await until(thread.view, (view) => view.status === "gone");
  end();
});
