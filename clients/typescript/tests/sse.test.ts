import { expect, test } from "vitest";
import { type Frame, FrameParser } from "../src/sse.ts";

const STREAM =
  "\ufeffretry: 1000\n\n: heartbeat\n\nid: t:1\nevent: one\ndata: {}\n\nevent: two\r\ndata:a\r\ndata: b\r\n\r\n" +
  "event: empty\n\ndata: üあ👩‍👧\r\rdata\n\nid: t:2\ndata: never closed";

const FRAMES: Frame[] = [
  { event: "one", data: "{}" },
  { event: "two", data: "a\nb" },
  { event: "message", data: "üあ👩‍👧" },
  { event: "message", data: "" },
];

function parsed(pieces: readonly string[]): Frame[] {
  const parser = new FrameParser();
  return pieces.flatMap((piece) => parser.feed(piece));
}

test("a stream is cut into frames; what is not closed never happened", () => {
  expect(parsed([STREAM])).toEqual(FRAMES);
});

test("wherever the network cuts, the frames are the same", () => {
  expect(parsed([...STREAM.split("")])).toEqual(FRAMES);
  for (let cut = 1; cut < STREAM.length; cut++) {
    expect(parsed([STREAM.slice(0, cut), STREAM.slice(cut)]), `cut at ${cut}`).toEqual(FRAMES);
  }
});

test("a line that never ends is refused before it eats the memory", () => {
  const parser = new FrameParser();
  const piece = "x".repeat(8 * 1024 * 1024);
  parser.feed("data: ");
  expect(() => {
    for (let sent = 0; sent < 9; sent++) parser.feed(piece);
  }).toThrow("too long");
});
