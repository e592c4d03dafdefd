import type { ListedThread } from "@threadline/client";
import { expect, test } from "vitest";
import { placeAfter } from "./keys.ts";
import { type Row, rowOf } from "./rows.ts";

const line = (id: string): Row => rowOf({ id } as ListedThread);
const ROWS: readonly Row[] = [
  { kind: "group", key: "today" },
  line("a"),
  { kind: "group", key: "older" },
  line("b"),
  line("c"),
];

test.each([
  ["Home", 4, 1],
  ["End", 1, 4],
  ["ArrowDown", 1, 3],
  ["ArrowDown", 4, null],
  ["ArrowUp", 3, 1],
  ["ArrowUp", 1, null],
  ["x", 1, null],
])("%s from %i goes to %s: over the names of groups, and not beyond the ends", (key, from, to) => {
  expect(placeAfter(key, ROWS, from)).toBe(to);
});
