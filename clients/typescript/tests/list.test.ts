// The list: what a connection lists against what was known.

import { expect, test } from "vitest";
import { Http } from "../src/http.ts";
import { ThreadList } from "../src/list.ts";
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

test("an older word about a thread does not undo a newer one", async () => {
  const { list } = await listOf([]);
  list.put(at("thr_a", 30, { seq: 5, title: "new" }));
  list.take([{ type: "thread", thread: at("thr_a", 30, { seq: 4, title: "old" }) }]);
  expect(list.view.get().threads.map((thread) => thread.title)).toEqual(["new"]);
  list.close();
});
