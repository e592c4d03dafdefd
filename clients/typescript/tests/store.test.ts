// One suite for every store.

import "fake-indexeddb/auto";
import { afterEach, describe, expect, test } from "vitest";
import type { KeptThread, Store } from "../src/store/contract.ts";
import { IndexedDBStore } from "../src/store/indexeddb.ts";
import { lastingStore } from "../src/store/lasting.ts";
import { MemoryStore } from "../src/store/memory.ts";
import { messageOf, threadOf } from "./records.ts";

class BrokenStore extends MemoryStore {
  override async list(): Promise<never> {
    throw new DOMException("A private window.", "InvalidStateError");
  }
}

let made = 0;
const KINDS: [string, () => Store][] = [
  ["memory", () => new MemoryStore()],
  ["lasting", () => lastingStore(new IndexedDBStore(`store-${made++}`))],
  ["lasting, without a database", () => lastingStore(new BrokenStore())],
  ["indexeddb", () => new IndexedDBStore(`store-${made++}`)],
];

function kept(seq: number, title = "t"): KeptThread {
  return { id: "thr_1", seq, thread: threadOf("thr_1", { title }), runs: [], members: [] };
}

const OUTGOING = {
  key: "a",
  thread_id: "thr_1",
  body: { content: "hello" },
  created_at: "2026-01-01T00:00:00.000Z",
  status: "pending",
  error: null,
} as const;

describe.each(KINDS)("%s", (_, make) => {
  const store = make();
  afterEach(() => store.clear());

  test("a thread is as it was kept, and only what has changed is given again", async () => {
    expect(await store.thread("thr_1")).toBeUndefined();
    const [one, two] = [messageOf("msg_1", "one"), messageOf("msg_2", "two")];
    await store.keep(kept(3), [one, two]);
    await store.keep(kept(5, "later"), [messageOf("msg_2", "two, and more")]);
    const found = await store.thread("thr_1");
    expect(found?.kept).toEqual(kept(5, "later"));
    expect(found?.messages).toEqual([one, messageOf("msg_2", "two, and more")]);
  });

  test("a tab that is behind does not put the clock back", async () => {
    await store.keep(kept(5), [messageOf("msg_1", "whole")]);
    await store.keep(kept(4, "old"), [messageOf("msg_1", "who")]);
    const found = await store.thread("thr_1");
    expect([found?.kept.seq, found?.kept.thread.title]).toEqual([5, "t"]);
    expect(found?.messages).toEqual([messageOf("msg_1", "whole")]);
  });

  test("a message of a fork's source lies in both, and forgetting one leaves the other", async () => {
    const shared = messageOf("msg_1", "shared");
    await store.keep(kept(1), [shared]);
    await store.keep({ ...kept(1), id: "thr_2" }, [shared]);
    await store.forget("thr_1");
    expect(await store.thread("thr_1")).toBeUndefined();
    expect((await store.thread("thr_2"))?.messages.map((message) => message.id)).toEqual(["msg_1"]);
  });

  test("the list is the last one kept", async () => {
    expect(await store.list()).toEqual([]);
    await store.keepList([threadOf("thr_1"), threadOf("thr_2")]);
    await store.keepList([threadOf("thr_2")]);
    expect(await store.list()).toEqual([threadOf("thr_2")]);
  });

  test("what is to be sent keeps its order, and is changed and dropped only while it is there", async () => {
    const first = await store.enqueue(OUTGOING);
    const second = await store.enqueue({ ...OUTGOING, key: "b" });
    expect(second.order).toBeGreaterThan(first.order);
    expect(await store.change({ ...first, status: "failed" })).toBe(true);
    expect((await store.outbox()).map(({ key, status }) => `${key} ${status}`)).toEqual(["a failed", "b pending"]);
    expect([await store.drop("a"), await store.drop("a"), await store.change(first)]).toEqual([true, false, false]);
    expect(await store.outbox()).toEqual([second]);
  });

  test("clear forgets everything", async () => {
    await store.keep(kept(1), [messageOf("msg_1", "one")]);
    await store.keepList([threadOf("thr_1")]);
    await store.enqueue(OUTGOING);
    await store.clear();
    expect([await store.thread("thr_1"), await store.list(), await store.outbox()]).toEqual([undefined, [], []]);
  });
});

test("two tabs on one database see the same, in one order", async () => {
  const [one, other] = [new IndexedDBStore("shared"), new IndexedDBStore("shared")];
  await one.enqueue(OUTGOING);
  await other.enqueue({ ...OUTGOING, key: "b" });
  await one.enqueue({ ...OUTGOING, key: "c" });
  expect((await other.outbox()).map(({ key }) => key)).toEqual(["a", "b", "c"]);
});
