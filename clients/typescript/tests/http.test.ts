// Plain requests: what goes out, and what their failures are called.

import { expect, test, vi } from "vitest";
import { Http, Refusal, Unreachable } from "../src/http.ts";

interface Seen {
  readonly url: string;
  readonly init: RequestInit;
}

/** A server that gives these answers, one after the other, and what it was asked. */
function serverOf(...answers: (() => Response)[]): { fetch: typeof fetch; seen: Seen[] } {
  const seen: Seen[] = [];
  const fetch = async (url: string | URL | Request, init?: RequestInit) => {
    seen.push({ url: String(url), init: init ?? {} });
    return answers[Math.min(seen.length, answers.length) - 1]?.() ?? new Response(null, { status: 204 });
  };
  return { fetch, seen };
}

function header(seen: Seen | undefined, name: string): string | null {
  return new Headers(seen?.init.headers).get(name);
}

test("an operation is filled in: path, query, body and key", async () => {
  const { fetch, seen } = serverOf(() => Response.json({ data: [] }));
  const http = new Http({ baseUrl: "https://chat.example/", token: "t", headers: { "x-more": "yes" }, fetch });
  await http.call("GET /v1/threads/{thread_id}/messages", {
    path: { thread_id: "a/b?" },
    query: { limit: 2, cursor: null },
  });
  const body = { content: "hello" };
  const path = { thread_id: "thr_1" };
  await http.call("POST /v1/threads/{thread_id}/messages", { path, body, idempotencyKey: "k" });
  expect(seen.map(({ url, init }) => `${init.method} ${url}`)).toEqual([
    "GET https://chat.example/v1/threads/a%2Fb%3F/messages?limit=2",
    "POST https://chat.example/v1/threads/thr_1/messages",
  ]);
  expect([header(seen[1], "authorization"), header(seen[1], "idempotency-key"), header(seen[1], "x-more")]).toEqual([
    "Bearer t",
    "k",
    "yes",
  ]);
  expect(seen[1]?.init.body).toBe('{"content":"hello"}');
});

test("a token that is refused is fetched anew, once", async () => {
  const { fetch, seen } = serverOf(
    () => new Response(null, { status: 401 }),
    () => Response.json({ data: [] }),
  );
  const http = new Http({ baseUrl: "http://x", token: (isStale) => (isStale ? "fresh" : "old"), fetch });
  await http.call("GET /v1/threads", {});
  expect(seen.map((one) => header(one, "authorization"))).toEqual(["Bearer old", "Bearer fresh"]);
  const { fetch: refusing, seen: asked } = serverOf(() => new Response(null, { status: 401 }));
  const locked = new Http({ baseUrl: "http://x", token: () => "bad", fetch: refusing });
  await expect(locked.call("GET /v1/threads", {})).rejects.toMatchObject({ problem: { status: 401 } });
  expect(asked.length).toBe(2);
});

test("a problem is the server's; an error page of a proxy becomes one; which of them pass is known", async () => {
  const problem = { type: "t", title: "T", status: 409, detail: "Taken.", code: "name_taken", retryable: false };
  const answers: [() => Response, Partial<Refusal>][] = [
    [() => Response.json(problem, { status: 409 }), { message: "Taken.", isPassing: false, retryAfterMs: 0 }],
    [() => new Response("<html>", { status: 502 }), { isPassing: true }],
    [() => new Response("", { status: 429, headers: { "retry-after": "3" } }), { isPassing: true, retryAfterMs: 3000 }],
    [() => new Response("not json", { status: 404 }), { isPassing: false }],
  ];
  for (const [answer, expected] of answers) {
    const http = new Http({ baseUrl: "http://x", fetch: serverOf(answer).fetch });
    const error = await http.call("GET /v1/threads", {}).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(Refusal);
    expect(error).toMatchObject(expected);
  }
});

test("no answer is `Unreachable`, an abort stays one, and so does a token that cannot be fetched", async () => {
  const fetch = async () => {
    throw new TypeError("fetch failed");
  };
  await expect(new Http({ baseUrl: "http://x", fetch }).call("GET /v1/threads", {})).rejects.toBeInstanceOf(
    Unreachable,
  );
  const signal = AbortSignal.abort(new Error("enough"));
  await expect(new Http({ baseUrl: "http://x", fetch }).call("GET /v1/threads", { signal })).rejects.toThrow("enough");
  const token = () => Promise.reject(new Error("no token server"));
  await expect(new Http({ baseUrl: "http://x", token }).call("GET /v1/threads", {})).rejects.toThrow("No answer");
});

test("a network that swallows everything is `Unreachable`; one that is slow is not", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const swallowed: typeof fetch = (_, init) =>
    new Promise((_resolve, reject) => init?.signal?.addEventListener("abort", () => reject(init.signal?.reason)));
  const lost = new Http({ baseUrl: "http://x", fetch: swallowed }).call("GET /v1/threads", {});
  const failure = expect(lost).rejects.toBeInstanceOf(Unreachable);
  await vi.advanceTimersByTimeAsync(30_000);
  await failure;
  let sink: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      sink = controller;
    },
  });
  const slow = new Http({ baseUrl: "http://x", fetch: async () => new Response(body) }).call("GET /v1/threads", {});
  for (const letter of '{"data":[]}') {
    await vi.advanceTimersByTimeAsync(20_000);
    sink?.enqueue(new TextEncoder().encode(letter));
  }
  sink?.close();
  expect(await slow).toEqual({ data: [] });
  vi.useRealTimers();
});

test("who asks for an answer that is still to be written waits for as long as it takes", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  let answer = (_: Response) => {};
  const fetch = () =>
    new Promise<Response>((resolve) => {
      answer = resolve;
    });
  const asked = { path: { thread_id: "thr_1" }, body: { content: "think" } };
  const written = new Http({ baseUrl: "http://x", fetch }).call("POST /v1/threads/{thread_id}/messages", asked);
  await vi.advanceTimersByTimeAsync(600_000);
  answer(Response.json({ message: "here" }));
  expect(await written).toEqual({ message: "here" });
  vi.useRealTimers();
});
