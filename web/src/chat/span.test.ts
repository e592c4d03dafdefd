import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { spanOf } from "./span.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test("what was seen to begin took as long as it went on", () => {
  expect(spanOf("seen", true)).toBeNull();
  vi.advanceTimersByTime(2_000);
  expect(spanOf("seen", false)).toBe(2_000);
  vi.advanceTimersByTime(2_000);
  expect(spanOf("seen", false)).toBe(2_000);
  expect(spanOf("not seen", false)).toBeNull();
});

test("what goes on after it had stopped is counted from then on", () => {
  spanOf("anew", true);
  expect(spanOf("anew", false)).toBe(0);
  vi.advanceTimersByTime(60_000);
  expect(spanOf("anew", true)).toBeNull();
  vi.advanceTimersByTime(3_000);
  expect(spanOf("anew", false)).toBe(3_000);
});
