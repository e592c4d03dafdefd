import { expect, test } from "vitest";
import { contentOf, draftOf, sizeInWords } from "./content.ts";

const PICTURE = { file_id: "fil_1", name: "a.png", media_type: "image/png", size: 3 };
const PAPER = { file_id: "fil_2", name: "a.pdf", media_type: "application/pdf", size: 3 };

test("words alone are words; files stand before them, and may stand alone", () => {
  expect(contentOf("hi", [])).toBe("hi");
  const picture = { type: "image", source: { type: "file", file_id: "fil_1" } };
  const paper = { type: "file", source: { type: "file", file_id: "fil_2" }, name: "a.pdf" };
  expect(contentOf("hi", [PICTURE, PAPER])).toEqual([picture, paper, { type: "text", text: "hi" }]);
  expect(contentOf(" ", [PICTURE])).toEqual([picture]);
  const inline = { type: "image", source: { type: "base64", media_type: "image/gif", data: "AA==" } };
  expect(contentOf("", [], [{ name: "x", media_type: "image/gif", data: "AA==" }])).toEqual([inline]);
});

test("what was sent can be written on", () => {
  expect(draftOf("hi")).toEqual({ text: "hi", files: [] });
  const { text, files } = draftOf(contentOf("hi", [PICTURE, PAPER]));
  expect([text, files.map((one) => one.file_id)]).toEqual(["hi", ["fil_1", "fil_2"]]);
  expect(contentOf(text, files)).toEqual(contentOf("hi", [PICTURE, PAPER]));
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 kB"],
  [52_300, "52 kB"],
  [4_200_000, "4.2 MB"],
  [7_000_000_000_000, "7000 GB"],
])("%i bytes are %s", (bytes, words) => expect(sizeInWords(bytes)).toBe(words));
