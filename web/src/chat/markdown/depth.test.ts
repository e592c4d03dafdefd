import { expect, test } from "vitest";
import { isTooDeep } from "./depth.ts";

test.each(["> ".repeat(5_000), "- ".repeat(5_000), "[".repeat(5_000), "**a ".repeat(5_000), "<".repeat(20_000)])(
  "%.10s… is too deep",
  (text) => {
    expect(isTooDeep(`${text}x`)).toBe(true);
  },
);

test.each([
  "> > - a\n> > - b",
  "-".repeat(200),
  "* ".repeat(40),
  "a list\n".repeat(2_000),
  "**a** ".repeat(3_000),
  "| a |\n|---|\n| **x** |",
])("%.10s… is not", (text) => {
  expect(isTooDeep(text)).toBe(false);
});
