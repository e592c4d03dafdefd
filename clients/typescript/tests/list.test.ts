// The list: what a connection lists against what was known.

import { expect, test } from "vitest";
import { Http, Refusal } from "../src/http.ts";
import { type ListedThread, ThreadList } from "../src/list.ts";
import { MemoryStore } from "../src/store/memory.ts";
import type { Thread } from "../src/types.ts";
import { threadOf } from "./records.ts";

function at(id: string, minute: number, changed: Partial<Thread> = {}): Thread {
  return threadOf(id, { last_activity_at: `2026-01-01T00:${minute}:00.000Z`, pinned: false, seq: 1, ...changed });
}

async function listOf(stored: readonly Thread[]): Promise<{ list: ThreadList; ids: () => string[] }> {
  const store = new MemoryStore();
  await store.keepList(stored);
  const list = new ThreadList(new Http({ baseUrl: "http://nowhere" }), store, () => {});
  list.view.subscribe(() => {});
  await Promise.resolve();
  await Promise.resolve();
  return { list, ids: () => list.view.get().threads.map((thread) => thread.id) };
}

const [A, B, C] = [at("thr_a", 30), at("thr_b", 20), at("thr_c", 10)];

test("what is kept is there before the server has said anything", async () => {
  const { list, ids } = await listOf([A, B]);
  expect([ids(), list.view.get().isFresh]).toEqual([["thr_a", "thr_b"], false]);
  list.close();
});

test("a slow disk does not bring back what the server has not listed", async () => {
  const store = new MemoryStore();
  let read = (_: readonly Thread[]) => {};
  store.list = () =>
    new Promise((resolve) => {
      read = resolve;
    });
  const list = new ThreadList(new Http({ baseUrl: "http://nowhere" }), store, () => {});
  list.view.subscribe(() => {});
  list.take([
    { type: "thread", thread: A },
    { type: "listed", has_more: false },
  ]);
  read([A, B]);
  await Promise.resolve();
  await Promise.resolve();
  expect(list.view.get().threads.map((thread) => thread.id)).toEqual(["thr_a"]);
  list.close();
});

test("pinned first, then latest activity, however they come", async () => {
  const { list, ids } = await listOf([]);
  list.take([C, at("thr_p", 11, { pinned: true }), A, B].map((thread) => ({ type: "thread", thread })));
  expect(ids()).toEqual(["thr_p", "thr_a", "thr_b", "thr_c"]);
  list.take([{ type: "thread", thread: at("thr_c", 40, { seq: 2 }) }]);
  expect(ids()).toEqual(["thr_p", "thr_c", "thr_a", "thr_b"]);
  list.close();
});

test("what was deleted while nobody looked is gone when the list is whole", async () => {
  const { list, ids } = await listOf([A, B, C]);
  list.begin();
  list.take([
    { type: "thread", thread: A },
    { type: "thread", thread: C },
  ]);
  expect(ids()).toEqual(["thr_a", "thr_b", "thr_c"]);
  list.take([{ type: "listed", has_more: false }]);
  expect([ids(), list.view.get().isFresh]).toEqual([["thr_a", "thr_c"], true]);
  list.close();
});

test("what stands behind the end of what was listed may be there still", async () => {
  const { list, ids } = await listOf([A, B, C]);
  list.begin();
  list.take([
    { type: "thread", thread: B },
    { type: "listed", has_more: true },
  ]);
  expect([ids(), list.view.get().hasMore]).toEqual([["thr_b", "thr_c"], true]);
  list.close();
});

test("what is read on while a connection lists again does not say where its list ends", async () => {
  const { list, next, titles } = await asked([at("thr_a", 30), at("thr_b", 20)]);
  list.begin();
  list.take([{ type: "thread", thread: at("thr_a", 30) }]);
  const read = list.loadMore();
  const data = [at("thr_c", 10)];
  (await next()).answer(200, { data, has_more: true, next_cursor: "on" });
  await read;
  list.take([{ type: "listed", has_more: true }]);
  expect(titles().map((title) => title.split(" ")[0])).toEqual(["thr_a", "thr_b", "thr_c"]);
  list.close();
});

test("what was kept stands apart from a list that does not reach it, until it was read up to there", async () => {
  const { list, next, titles } = await asked([]);
  const ids = () => titles().map((title) => title.split(" ")[0]);
  list.begin();
  list.take([
    { type: "thread", thread: C },
    { type: "listed", has_more: true },
  ]);
  expect(ids()).toEqual(["thr_c"]);
  // While nobody was connected so much has happened that the next list does not reach what was known.
  list.begin();
  list.take([
    { type: "thread", thread: A },
    { type: "listed", has_more: true },
  ]);
  expect([ids(), list.view.get().found.map(({ id }) => id)]).toEqual([["thr_a"], ["thr_c"]]);
  const read = list.loadMore();
  const request = await next();
  expect(request.url.searchParams.get("cursor")).toBeNull();
  request.answer(200, { data: [A, B, C], has_more: true, next_cursor: "on" });
  await read;
  expect(ids()).toEqual(["thr_a", "thr_b", "thr_c"]);
  list.close();
});

test("a list that reaches what was known leaves it as it was, with where to read on", async () => {
  const { list, next, titles } = await asked([]);
  const ids = () => titles().map((title) => title.split(" ")[0]);
  const first = () => {
    list.begin();
    list.take([
      { type: "thread", thread: A },
      { type: "listed", has_more: true },
    ]);
  };
  first();
  const read = list.loadMore();
  (await next()).answer(200, { data: [A, B], has_more: true, next_cursor: "on" });
  await read;
  first();
  expect(ids()).toEqual(["thr_a", "thr_b"]);
  const more = list.loadMore();
  const request = await next();
  expect(request.url.searchParams.get("cursor")).toBe("on");
  request.answer(200, { data: [C], has_more: false, next_cursor: null });
  await more;
  first();
  expect([ids(), list.view.get().hasMore]).toEqual([["thr_a", "thr_b", "thr_c"], false]);
  list.close();
});

test("an older word about a thread does not undo a newer one", async () => {
  const { list } = await listOf([]);
  list.put(at("thr_a", 30, { seq: 5, title: "new" }));
  list.take([{ type: "thread", thread: at("thr_a", 30, { seq: 4, title: "old" }) }]);
  expect(list.view.get().threads.map((thread) => thread.title)).toEqual(["new"]);
  list.close();
});

/** A list whose server answers when it is told to. */
async function asked(threads: readonly ListedThread[]) {
  const requests: { method: string; url: URL; body: unknown; answer: (status: number, body?: unknown) => void }[] = [];
  const fetch = ((input: string, init: RequestInit) =>
    new Promise<Response>((resolve) => {
      const answer = (status: number, body?: unknown) =>
        resolve(new Response(body === undefined ? null : JSON.stringify(body), { status }));
      const body = init.body === undefined ? undefined : JSON.parse(String(init.body));
      requests.push({ method: String(init.method), url: new URL(input), body, answer });
    })) as typeof globalThis.fetch;
  const list = new ThreadList(new Http({ baseUrl: "http://fake", token: "t", fetch }), new MemoryStore(), () => {});
  list.view.subscribe(() => {});
  for (const thread of threads) list.put(thread);
  const next = async () => {
    for (let turn = 0; turn < 20 && requests.length === 0; turn++) await Promise.resolve();
    const request = requests.shift();
    if (request === undefined) throw new Error("nothing was asked");
    return request;
  };
  const titles = () => list.view.get().threads.map(({ id, title }) => `${id} ${title}`);
  return { list, next, titles };
}

test("a page that was asked for before a thread went does not bring it back; whoever tells of it anew does", async () => {
  const { list, next, titles } = await asked([at("thr_a", 30, { title: "A" }), at("thr_b", 20, { title: "B" })]);
  const read = list.loadMore();
  list.take([{ type: "thread.removed", thread_id: "thr_b" }]);
  const data = [at("thr_a", 30, { title: "A" }), at("thr_b", 20, { title: "B" })];
  (await next()).answer(200, { data, has_more: false, next_cursor: null });
  await read;
  expect(titles()).toEqual(["thr_a A"]);
  list.take([{ type: "thread", thread: at("thr_b", 20, { title: "B again", seq: 2 }) }]);
  expect(titles()).toEqual(["thr_a A", "thr_b B again"]);
  list.close();
});

test("a change is shown before the server has answered, keeps its place in the order, and stays", async () => {
  const { list, next, titles } = await asked([at("thr_a", 30, { title: "A" }), at("thr_b", 20, { title: "B" })]);
  const done = list.update("thr_b", { title: "New", pinned: true });
  expect(titles()).toEqual(["thr_b New", "thr_a A"]);
  const request = await next();
  expect([request.method, request.url.pathname, request.body]).toEqual([
    "PATCH",
    "/v1/threads/thr_b",
    { title: "New", pinned: true },
  ]);
  request.answer(200, at("thr_b", 20, { title: "New", pinned: true, seq: 2 }));
  await done;
  expect(titles()).toEqual(["thr_b New", "thr_a A"]);
  list.close();
});

test("a change that is refused is taken back, and what the server said meanwhile is not", async () => {
  const { list, next, titles } = await asked([at("thr_a", 30, { title: "A" })]);
  const done = list.update("thr_a", { title: "Mine" });
  list.take([{ type: "thread", thread: at("thr_a", 30, { title: "Theirs", seq: 2 }) }]);
  expect(titles()).toEqual(["thr_a Mine"]);
  (await next()).answer(403, { code: "forbidden", status: 403, detail: "No.", retryable: false });
  await expect(done).rejects.toBeInstanceOf(Refusal);
  expect(titles()).toEqual(["thr_a Theirs"]);
  list.close();
});

test("a deleted thread is gone at once, and back where the server refuses", async () => {
  const { list, next, titles } = await asked([at("thr_a", 30, { title: "A" })]);
  const refused = list.remove("thr_a");
  expect(titles()).toEqual([]);
  (await next()).answer(403, { code: "forbidden", status: 403, detail: "No.", retryable: false });
  await expect(refused).rejects.toBeInstanceOf(Refusal);
  expect(titles()).toEqual(["thr_a A"]);
  const done = list.remove("thr_a");
  (await next()).answer(204);
  await done;
  expect(titles()).toEqual([]);
  list.close();
});

test("what is read is not unread any more, also after a change whose answer does not count", async () => {
  const { list, next } = await asked([{ ...at("thr_a", 30), unread_count: 3 }]);
  const renamed = list.update("thr_a", { title: "New" });
  (await next()).answer(200, at("thr_a", 30, { title: "New", seq: 2 }));
  await renamed;
  expect(list.view.get().threads[0]?.unread_count).toBe(3);
  const read = list.markRead("thr_a");
  (await next()).answer(200, { thread_id: "thr_a", end_user_id: "ann", seq: 2, unread_count: 0 });
  await read;
  expect(list.view.get().threads[0]?.unread_count).toBe(0);
  list.close();
});

test("what is found further down stands apart until the list gets there", async () => {
  const { list, next, titles } = await asked([]);
  list.begin();
  list.take([
    { type: "thread", thread: at("thr_a", 30, { title: "A" }) },
    { type: "listed", has_more: true },
  ]);
  const old = at("thr_o", 10, { title: "Old" });
  const found = list.find({ q: "old" });
  (await next()).answer(200, { data: [old], has_more: false, next_cursor: null });
  await found;
  expect([titles(), list.view.get().found.map(({ id }) => id)]).toEqual([["thr_a A"], ["thr_o"]]);
  const more = list.loadMore();
  (await next()).answer(200, { data: [at("thr_b", 20, { title: "B" }), old], has_more: false, next_cursor: null });
  await more;
  expect([titles(), list.view.get().found]).toEqual([["thr_a A", "thr_b B", "thr_o Old"], []]);
  list.close();
});

test("what is looked for is in the list once it is found; two who want more ask once", async () => {
  const { list, next, titles } = await asked([]);
  const found = list.find({ q: "old" });
  const request = await next();
  expect(request.url.search).toBe("?q=old");
  request.answer(200, { data: [at("thr_o", 10, { title: "Old" })], has_more: false, next_cursor: null });
  await found;
  expect(titles()).toEqual(["thr_o Old"]);
  const both = [list.loadMore(), list.loadMore()];
  (await next()).answer(200, { data: [A], has_more: false, next_cursor: null });
  await Promise.all(both);
  expect(list.view.get().threads).toHaveLength(2);
  list.drop("thr_o");
  expect(list.view.get().threads).toHaveLength(1);
  list.close();
});
