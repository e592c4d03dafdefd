import { expect, test } from "vitest";
import { outside } from "./links.ts";

const OWN = "https://chat.example";

test.each([
  ["https://x.example/?a=1#b", "https://x.example/?a=1#b"],
  ["mailto:ann@x.example", "mailto:ann@x.example"],
  ["HTTP://X.example", "http://x.example/"],
])("%s leads out", (href, shown) => {
  expect(outside(href, OWN)).toBe(shown);
});

test.each([
  ...["/v1/keys", "//evil.example/x", "t/thr_1", "#a", "", "javascript:alert(1)", " java\nscript:alert(1)"],
  ...[
    "data:text/html,x",
    "vbscript:x",
    "blob:https://chat.example/1",
    "file:///etc/passwd",
    "https://chat.example/t/1",
  ],
])("%s leads nowhere", (href) => {
  expect(outside(href, OWN)).toBeNull();
});
