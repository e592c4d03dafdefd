import { type Problem, Refusal, type File as StoredFile, Unreachable, type UploadOptions } from "@threadline/client";
import { expect, test, vi } from "vitest";
import type { KeptFile } from "./drafts.ts";
import { INLINE_BYTES_MAX, obstacle, Uploads } from "./uploads.ts";

interface Going {
  readonly options: UploadOptions;
  readonly resolve: (file: StoredFile) => void;
  readonly reject: (error: unknown) => void;
}

function made() {
  const going: Going[] = [];
  const done: KeptFile[] = [];
  const uploads = new Uploads({
    upload: (_, options) => new Promise((resolve, reject) => going.push({ options, resolve, reject })),
    onDone: (file) => done.push(file),
  });
  return { going, done, uploads, states: () => uploads.coming.get().map((one) => one.state) };
}

const file = (name: string, size = 3) => new File(["x".repeat(size)], name, { type: "image/png" });
const stored = (id: string) => ({ id, name: id, media_type: "image/png", size: 3 }) as StoredFile;
const turn = () => new Promise((resolve) => setImmediate(resolve));
const problem = {
  status: 413,
  code: "too_large",
  title: "Too large",
  detail: "A file has at most 3 bytes.",
} as Problem;

test("two go up at once, the next when one is there", async () => {
  const { going, done, uploads } = made();
  uploads.add([file("a"), file("b"), file("c")]);
  expect(going.length).toBe(2);
  going[0]?.options.onProgress?.(0.5);
  expect(uploads.coming.get()[0]?.share).toBe(0.5);
  going[0]?.resolve(stored("a"));
  await turn();
  expect([going.length, done.map((one) => one.file_id), uploads.coming.get().length]).toEqual([3, ["a"], 2]);
});

test("what is removed is stopped, and is not there afterwards", async () => {
  const { going, done, uploads } = made();
  uploads.add([file("a")]);
  const [key] = uploads.coming.get().map((one) => one.key);
  uploads.remove(key ?? "");
  expect(going[0]?.options.signal?.aborted).toBe(true);
  going[0]?.resolve(stored("a"));
  await turn();
  expect([done, uploads.coming.get()]).toEqual([[], []]);
});

test("a refusal is said in the server's words, and can be tried again", async () => {
  const { going, done, uploads, states } = made();
  uploads.add([file("a")]);
  going[0]?.reject(new Refusal(problem));
  await turn();
  const [one] = uploads.coming.get();
  expect([one?.state, one?.words]).toEqual(["failed", "A file has at most 3 bytes."]);
  expect(obstacle(uploads.coming.get())).not.toBeNull();
  uploads.retry(one?.key ?? "");
  expect(states()).toEqual(["uploading"]);
  going[1]?.resolve(stored("a"));
  await turn();
  expect(done.length).toBe(1);
});

test("it asks again by itself, and what has fallen silent is given up and asked for again", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const { going, done, uploads, states } = made();
  uploads.add([file("a")]);
  const signal = going[0]?.options.signal;
  signal?.addEventListener("abort", () => going[0]?.reject(signal.reason));
  await vi.advanceTimersByTimeAsync(50_000);
  going[0]?.options.onProgress?.(0.5);
  await vi.advanceTimersByTimeAsync(50_000);
  expect(states()).toEqual(["uploading"]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(states()).toEqual(["waiting"]);
  await vi.advanceTimersByTimeAsync(5_000);
  expect([states(), going.length]).toEqual([["uploading"], 2]);
  going[1]?.resolve(stored("a"));
  await turn();
  expect(done.length).toBe(1);
  vi.useRealTimers();
});

test("without a network it waits, and goes on when that is back; small ones may go along in the message", async () => {
  const { going, uploads, states } = made();
  uploads.add([file("a"), file("b")]);
  for (const one of going) one.reject(new Unreachable());
  await turn();
  expect([states(), obstacle(uploads.coming.get())]).toEqual([["waiting", "waiting"], null]);
  uploads.wake();
  expect([states(), going.length]).toEqual([["uploading", "uploading"], 4]);
  expect(obstacle(uploads.coming.get())).not.toBeNull();
  for (const one of going.slice(2)) one.reject(new Unreachable());
  await turn();
  expect([uploads.takeWaiting().length, uploads.coming.get().length]).toEqual([2, 0]);
  uploads.add([file("large", INLINE_BYTES_MAX + 1)]);
  going[4]?.reject(new Unreachable());
  await turn();
  expect(obstacle(uploads.coming.get())).toContain("too large");
});
