// Every word that people read is in strings.ts, or in the strings of the pages that are loaded apart.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const SOURCE = join(process.cwd(), "src");
const FILES = readdirSync(SOURCE, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".tsx"));
/** Letters between the end of one tag and the beginning of another one, on one line. */
const BETWEEN = /<\/?\w[^<>]*>[^<>{}]*\p{L}{2,}[^<>{}]*<\/\w/u;
/** Attributes that are read out or shown; an address is no word, nor is what is put in from elsewhere. */
const SAID = /\b(?:aria-label|placeholder|title|alt|label)="(?!https?:|\$\{)[^"]*\p{L}{2,}[^"]*"/u;

test.each(FILES)("%s says nothing by itself", (name) => {
  const lines = readFileSync(join(SOURCE, name), "utf8").split("\n");
  expect(lines.filter((line) => BETWEEN.test(line) || SAID.test(line))).toEqual([]);
});

test("what such a line looks like is known", () => {
  expect(BETWEEN.test("<p>Hello there</p>")).toBe(true);
  expect(SAID.test('<input placeholder="Your name" />')).toBe(true);
  expect(BETWEEN.test("<p>{strings.ui.close}</p>")).toBe(false);
});
