import { expect, test } from "vitest";
import { roomFor } from "./limits.ts";

test("nothing is said where there is room, and then how much is left, or too much", () => {
  expect(roomFor("x".repeat(80), 100)).toEqual({ words: null, isOver: false });
  expect(roomFor("x".repeat(95), 100)).toEqual({ words: expect.stringContaining("5"), isOver: false });
  expect(roomFor("x".repeat(100), 100).isOver).toBe(false);
  expect(roomFor("x".repeat(103), 100)).toEqual({ words: expect.stringContaining("3"), isOver: true });
});

test("a character is one, however it is written down", () => {
  expect(roomFor("🙂".repeat(100), 100).isOver).toBe(false);
  expect(roomFor("🙂".repeat(101), 100).isOver).toBe(true);
});
