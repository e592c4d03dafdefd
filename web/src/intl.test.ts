import { expect, test } from "vitest";
import { counted, listed, shownNumber } from "./intl.ts";

test("a phrase takes the form of its number", () => {
  const forms = { one: "# message", other: "# messages" };
  expect([0, 1, 2, 12_345].map((count) => counted(count, forms))).toEqual([
    "0 messages",
    "1 message",
    "2 messages",
    "12,345 messages",
  ]);
});

test("numbers and lists are those of the language", () => {
  expect(shownNumber(1234.5)).toBe("1,234.5");
  expect(listed(["Ann", "Ben", "Cem"])).toBe("Ann, Ben, and Cem");
});
