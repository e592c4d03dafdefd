// Drafts, in false time and on a storage that can fail.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Drafts, NOTHING } from "./drafts.ts";

class Shelf {
  readonly kept = new Map<string, string>();
  isFull = false;
  getItem = (key: string) => this.kept.get(key) ?? null;
  removeItem = (key: string) => void this.kept.delete(key);
  setItem = (key: string, value: string) => {
    if (this.isFull) throw new DOMException("full", "QuotaExceededError");
    this.kept.set(key, value);
  };
}

const FILE = { file_id: "f", name: "a.png", media_type: "image/png", size: 3 };
const words = (text: string) => ({ text, files: [] });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("what is written is there after a reload, for this person and this place", () => {
  const shelf = new Shelf();
  const drafts = new Drafts("acme:ann", shelf);
  drafts.set("thr_1", { text: "half a thou", files: [FILE] });
  expect(shelf.kept.size).toBe(0);
  vi.advanceTimersByTime(250);
  const after = new Drafts("acme:ann", shelf);
  expect(after.of("thr_1").get()).toEqual({ text: "half a thou", files: [FILE] });
  expect(after.of("thr_2").get()).toEqual(NOTHING);
  expect(new Drafts("acme:bob", shelf).of("thr_1").get()).toEqual(NOTHING);
});

test("what is sent is gone at once, and does not come back by a late save", () => {
  const shelf = new Shelf();
  const drafts = new Drafts("a", shelf);
  drafts.set("t", words("one"));
  drafts.flush();
  expect(shelf.kept.size).toBe(1);
  drafts.set("t", words("one two"));
  drafts.set("t", NOTHING);
  vi.advanceTimersByTime(1000);
  expect(shelf.kept.size).toBe(0);
});

test("what is given back stands before what has been written meanwhile", () => {
  const drafts = new Drafts("a", new Shelf());
  drafts.set("t", words("newer"));
  drafts.giveBack("t", { text: "refused", files: [FILE] });
  expect(drafts.of("t").get()).toEqual({ text: "refused\nnewer", files: [FILE] });
});

test("a storage that is full, broken or absent costs nothing but the reload", () => {
  const shelf = new Shelf();
  shelf.isFull = true;
  for (const drafts of [new Drafts("a", shelf), new Drafts("a", null)]) {
    drafts.set("t", words("one"));
    drafts.flush();
    expect(drafts.of("t").get().text).toBe("one");
  }
  shelf.kept.set("threadline:draft:a:x", "{no json");
  expect(new Drafts("a", shelf).of("x").get()).toEqual(NOTHING);
});

test("another tab that sends the same words takes them away here, and no others", () => {
  const drafts = new Drafts("a", new Shelf());
  const kept = JSON.stringify(words("same"));
  drafts.set("t", words("same"));
  drafts.flush();
  drafts.hear("threadline:draft:a:t", kept, null);
  expect(drafts.of("t").get()).toEqual(NOTHING);
  drafts.set("t", words("own words"));
  drafts.flush();
  drafts.hear("threadline:draft:a:t", kept, null);
  expect(drafts.of("t").get().text).toBe("own words");
});
