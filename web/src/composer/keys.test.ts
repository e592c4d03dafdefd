import { expect, test } from "vitest";
import { type Deed, deedOf, type Key, type Situation } from "./keys.ts";

const KEY: Key = {
  key: "",
  shiftKey: false,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  isComposing: false,
  keyCode: 13,
};
const DESK: Situation = { isTouch: false, isEmpty: false, isBusy: false };

test.each<[string, Partial<Key>, Partial<Situation>, Deed | null]>([
  ["Enter sends", { key: "Enter" }, {}, "send"],
  ["Shift+Enter breaks the line", { key: "Enter", shiftKey: true }, {}, null],
  ["Enter of an input method is its own", { key: "Enter", isComposing: true }, {}, null],
  ["and so it is in Safari", { key: "Enter", keyCode: 229 }, {}, null],
  ["on a phone Enter breaks the line", { key: "Enter" }, { isTouch: true }, null],
  ["there a keyboard still has Ctrl+Enter", { key: "Enter", ctrlKey: true }, { isTouch: true }, "send"],
  ["Escape stops what is being answered", { key: "Escape" }, { isBusy: true }, "stop"],
  ["and nothing else", { key: "Escape" }, {}, null],
  ["nor what an input method offers", { key: "Escape", isComposing: true }, { isBusy: true }, null],
  ["ArrowUp in an empty box edits the last message", { key: "ArrowUp" }, { isEmpty: true }, "edit last"],
  ["in a written one it moves", { key: "ArrowUp" }, {}, null],
  ["letters are letters", { key: "a" }, { isBusy: true, isEmpty: true }, null],
])("%s", (_, key, situation, deed) => {
  expect(deedOf({ ...KEY, ...key }, { ...DESK, ...situation })).toBe(deed);
});
