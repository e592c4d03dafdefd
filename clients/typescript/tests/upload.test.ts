// Uploads: what is asked, what is heard of them on the way, and what becomes of those that fail.

import { afterEach, expect, test, vi } from "vitest";
import { Client } from "../src/client.ts";
import { Refusal, Unreachable } from "../src/http.ts";
import { MemoryStore } from "../src/store/memory.ts";

/** As long as a busy machine takes. */
const PATIENCE = { timeout: 30_000 };

const FILE = { id: "fil_1", object: "file", name: "a.txt", media_type: "text/plain", size: 2 };
const blob = () => new Blob(["hi"], { type: "text/plain" });

afterEach(() => void vi.unstubAllGlobals());

function clientOf(answer: (request: Request) => Response | Promise<Response>, token?: () => string): Client {
  const asked = async (input: unknown, init?: RequestInit) =>
    answer(new Request(String(input), { ...init, duplex: "half" } as RequestInit));
  const options = { baseUrl: "http://fake", store: new MemoryStore(), fetch: asked as typeof fetch };
  return new Client(token === undefined ? options : { ...options, token });
}

function refused(status: number, code: string): Response {
  return Response.json({ title: "No", status, detail: "Too much.", code, retryable: false }, { status });
}

test("the bytes go up with their name and their type", async () => {
  const client = clientOf(async (request) => {
    expect(request.url).toBe("http://fake/v1/files?name=a+b.txt");
    expect([request.method, request.headers.get("content-type"), await request.text()]).toEqual([
      "POST",
      "text/plain",
      "hi",
    ]);
    return Response.json(FILE, { status: 201 });
  });
  const heard: number[] = [];
  const stored = await client.upload(blob(), { name: "a b.txt", onProgress: (share) => heard.push(share) });
  expect([stored.id, heard]).toEqual(["fil_1", [1]]);
});

test("a token that is refused is fetched anew; other refusals are the server's words; no answer is `Unreachable`", async () => {
  const tokens = ["old", "new"];
  const renewing = clientOf(
    ({ headers }) =>
      headers.get("authorization") === "Bearer new" ? Response.json(FILE) : refused(401, "unauthorized"),
    () => tokens.shift() ?? "none",
  );
  expect((await renewing.upload(blob())).id).toBe("fil_1");
  const full = clientOf(() => refused(413, "too_large"));
  await expect(full.upload(blob())).rejects.toMatchObject({ problem: { code: "too_large" } });
  await expect(full.upload(blob())).rejects.toBeInstanceOf(Refusal);
  const away = clientOf(() => Promise.reject(new TypeError("fetch failed")));
  await expect(away.upload(blob())).rejects.toBeInstanceOf(Unreachable);
});

class WatchedRequest {
  static last: WatchedRequest;
  readonly upload: { onprogress?: (event: { loaded: number; total: number }) => void } = {};
  readonly headers = new Map<string, string>();
  status = 0;
  responseText = "";
  isAborted = false;
  onload?: () => void;
  onerror?: () => void;
  open(): void {
    WatchedRequest.last = this;
  }
  setRequestHeader(name: string, value: string): void {
    this.headers.set(name, value);
  }
  getResponseHeader = () => null;
  send(): void {}
  abort(): void {
    this.isAborted = true;
  }
}

test("in a browser one hears how far it is, and can stop it", async () => {
  vi.stubGlobal("XMLHttpRequest", WatchedRequest);
  const client = new Client({ baseUrl: "http://fake", store: new MemoryStore(), headers: { "x-of": "ours" } });
  const heard: number[] = [];
  const going = client.upload(blob(), { onProgress: (share) => heard.push(share) });
  await vi.waitFor(() => expect(WatchedRequest.last).toBeDefined(), PATIENCE);
  const request = WatchedRequest.last;
  request.upload.onprogress?.({ loaded: 1, total: 2 });
  Object.assign(request, { status: 201, responseText: JSON.stringify(FILE) });
  request.onload?.();
  expect([(await going).id, heard, request.headers.get("x-of")]).toEqual(["fil_1", [0.5, 1], "ours"]);

  const stop = new AbortController();
  const stopped = client.upload(blob(), { signal: stop.signal });
  await vi.waitFor(() => expect(WatchedRequest.last).not.toBe(request), PATIENCE);
  stop.abort(new Error("never mind"));
  await expect(stopped).rejects.toThrow("never mind");
  expect(WatchedRequest.last.isAborted).toBe(true);
});
