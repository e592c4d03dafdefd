import type { Message } from "@threadline/client";
import { expect, test } from "vitest";
import { fileNameOf, markdownOf } from "./exported.ts";

test.each([
  ["Plans for 2026", "Plans for 2026.md"],
  ["../../etc/passwd", "etc passwd.md"],
  ['a<b>:"c"|?*\u0000', "a b c.md"],
  ["رحلة", "رحلة.md"],
  ["CON", "conversation.md"],
  ["...", "conversation.md"],
])("%s is kept as %s", (title, name) => {
  expect(fileNameOf(title, "md")).toBe(name);
});

test("everybody's words stand under their names, and a fence holds what has fences in it", () => {
  const messages = [
    { role: "user", content: [{ type: "text", text: "Hello" }] },
    { role: "assistant", content: [{ type: "tool_result", content: "a ``` b", is_error: false, tool_use_id: "t" }] },
  ] as unknown as Message[];
  expect(markdownOf("Title", messages, ({ role }) => role)).toBe(
    "# Title\n\n## user\n\nHello\n\n## assistant\n\n````\na ``` b\n````\n",
  );
});
