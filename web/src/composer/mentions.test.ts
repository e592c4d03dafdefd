import type { Agent, Member } from "@threadline/client";
import { expect, test } from "vitest";
import { callableHere, callBefore, meant, withCall } from "./mentions.ts";

test.each([
  ["@", 1, ""],
  ["hello @cri", 10, "cri"],
  ["(@cri", 5, "cri"],
  ["hello @cri and more", 10, "cri"],
  ["hello @cri and more", 19, null],
  ["ann@example", 11, null],
  ["https://x.org/@ann", 18, null],
  ["no call", 7, null],
])("%s at %i", (text, caret, said) => {
  expect(callBefore(text, caret)?.said ?? null).toBe(said);
});

const member = (handle: string | null, more: Partial<Member> = {}) =>
  ({ handle, name: null, agent_id: null, end_user_id: handle, ...more }) as Member;
const agent = (handle: string, archived = false) => ({ handle, name: handle, archived }) as Agent;

test("in a room one calls its members, elsewhere agents; nobody calls himself", () => {
  const members = [member("ann"), member("bob"), member(null), member("critic", { agent_id: "a", end_user_id: null })];
  const handles = (all: readonly { handle: string }[]) => all.map(({ handle }) => handle);
  expect(handles(callableHere(members, [agent("other")], "ann"))).toEqual(["bob", "critic"]);
  expect(handles(callableHere([], [agent("other"), agent("gone", true)], "ann"))).toEqual(["other"]);
});

test("who is meant is found by handle, and by the words of a name", () => {
  const all = [
    { handle: "rx", name: "Roy Critic", isAgent: false },
    { handle: "critic", name: null, isAgent: true },
    { handle: "bob", name: "Bob", isAgent: false },
  ];
  expect(meant(all, "cRi").map(({ handle }) => handle)).toEqual(["critic", "rx"]);
  expect(meant(all, "").length).toBe(3);
  expect(meant(all, "zz")).toEqual([]);
});

test("the call is put in full where it was begun", () => {
  expect(withCall("ask @cri now", { at: 4, said: "cri" }, "critic")).toEqual({ text: "ask @critic now", caret: 12 });
  expect(withCall("@", { at: 0, said: "" }, "bob")).toEqual({ text: "@bob ", caret: 5 });
});
