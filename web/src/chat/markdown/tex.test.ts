import { expect, test } from "vitest";
import { hasMath, withDollars } from "./tex.ts";

test("formulas are fenced by dollars", () => {
  expect(withDollars("so \\(a+b\\) is")).toBe("so $$a+b$$ is");
  expect(withDollars("\\[\na\n\\]")).toBe("$$\na\n$$");
  expect(withDollars("- x\n  \\[a\\]\n")).toBe("- x\n  $$\n  a\n  $$\n");
  expect(withDollars("$$a$$")).toBe("$$\na\n$$");
});

test("code is left alone", () => {
  const code = "`\\(a\\)` and\n```tex\n\\[a\\]\n```\n";
  expect(withDollars(code)).toBe(code);
});

test("money is no formula", () => {
  expect(hasMath("from $5 to $10")).toBe(false);
});
