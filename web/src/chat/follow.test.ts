import { expect, test } from "vitest";
import { followsAfter, isAtEnd } from "./follow.ts";

const at = (top: number, height = 1_000, viewport = 400) => ({ top, height, viewport });

test("at the end, or almost", () => {
  expect(isAtEnd(at(600))).toBe(true);
  expect(isAtEnd(at(570))).toBe(true);
  expect(isAtEnd(at(500))).toBe(false);
});

test("whoever goes up is left where he is", () => {
  expect(followsAfter(true, at(600), at(450))).toBe(false);
  expect(followsAfter(false, at(450), at(500))).toBe(false);
});

test("whoever comes back to the end goes along again", () => {
  expect(followsAfter(false, at(450), at(598))).toBe(true);
});

test("an end that moves away is no reason to stay", () => {
  expect(followsAfter(true, at(600), at(600, 1_200))).toBe(true);
  expect(followsAfter(true, at(600), at(540, 950))).toBe(true);
});
