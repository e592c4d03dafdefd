import type { ListedThread } from "@threadline/client";
import { expect, test } from "vitest";
import { groupedRows, groupOf, held, isSought, orderHeld } from "./rows.ts";

const NOW = new Date(2026, 4, 20, 0, 30);

function thread(id: string, at: Date, changed: Partial<ListedThread> = {}): ListedThread {
  return { id, title: id, pinned: false, last_activity_at: at.toISOString(), ...changed } as ListedThread;
}

test.each([
  [new Date(2026, 4, 20, 0, 1), "today"],
  [new Date(2026, 4, 20, 23, 0), "today"],
  [new Date(2026, 4, 19, 23, 59), "yesterday"],
  [new Date(2026, 4, 18, 23, 59), "week"],
  [new Date(2026, 4, 13, 0, 0), "week"],
  [new Date(2026, 4, 12, 23, 59), "older"],
])("%s is of %s: days are those of this person's clock", (at, group) => {
  expect(groupOf(thread("t", at), NOW)).toBe(group);
});

test("groups come in their order, without the empty ones, and keep the order within", () => {
  const old = new Date(2025, 0, 1);
  const rows = groupedRows(
    [thread("p", old, { pinned: true }), thread("b", NOW), thread("a", NOW), thread("o", old)],
    NOW,
  );
  expect(rows.map((row) => row.key)).toEqual(["pinned", "p", "today", "b", "a", "older", "o"]);
});

test("what somebody points at stays where it is: it changes in place, and what comes waits", () => {
  const now = [thread("n", NOW), thread("c", NOW, { title: "C!" }), thread("a", NOW)];
  expect(held(now, ["a", "b", "c"]).map(({ id, title }) => `${id} ${title}`)).toEqual(["a a", "c C!"]);
});

test("what comes waits, what goes keeps its place, and what was read on stands behind", () => {
  const gone = orderHeld(["a", "b", "c"], ["new", "c", "a", "d", "e"]);
  expect(gone).toEqual(["a", "b", "c", "d", "e"]);
  expect(orderHeld(gone, ["new", "b", "c", "a", "d", "e"])).toEqual(gone);
});

test("what is looked for is found in whatever case", () => {
  expect(isSought(thread("t", NOW, { title: "Größe ÄNDERN" }), "ändern")).toBe(true);
  expect(isSought(thread("t", NOW, { title: null }), "a")).toBe(false);
});
