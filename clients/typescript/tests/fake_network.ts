// A small server in memory behind a `fetch` that loses, delays and repeats: what a network does, on command.

import type { Message, Run, Thread, ThreadlineEvent } from "../src/types.ts";
import { messageOf, runOf, threadOf } from "./records.ts";

/** What happens to a request: it is lost before the server has it, or the answer is; or the server refuses. */
export type Fault =
  | "lost"
  | "answer lost"
  | "held and lost"
  | { readonly status: number; readonly code: string; readonly retryAfter?: number };

interface Stream {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  readonly threads: ReadonlySet<string>;
}

interface Kept {
  thread: Thread;
  readonly log: ThreadlineEvent[];
  readonly byKey: Map<string, Message>;
}

type EventBody = ThreadlineEvent extends infer Kind
  ? Kind extends ThreadlineEvent
    ? Omit<Kind, "seq" | "thread_id">
    : never
  : never;

export class FakeNetwork {
  readonly threads = new Map<string, Kept>();
  /** `METHOD /path` of all that has reached the server, in order. */
  readonly reached: string[] = [];
  /** How many requests were held, to be lost then. */
  held = 0;
  /** Pages of messages, by the one that they end with. */
  readonly pages = new Map<string, readonly Message[]>();
  /** Whatever is read is answered 503. */
  failing = false;
  /** What streams are refused with; 0 is not at all. */
  refusing = 0;
  /** How many were. */
  refused = 0;
  readonly #faults: Fault[] = [];
  readonly #streams = new Set<Stream>();
  #isDown = false;
  #gate: Promise<void> = Promise.resolve();

  readonly fetch: typeof fetch = async (input, init) => {
    const url = new URL(String(input));
    const signal = init?.signal ?? null;
    signal?.throwIfAborted();
    if (this.#isDown) throw new TypeError("fetch failed");
    if (init?.method === "GET" && url.pathname === "/v1/stream") return this.#stream(url, signal);
    const fault = init?.method === "POST" ? this.#faults.shift() : undefined;
    if (fault === "lost") throw new TypeError("fetch failed");
    if (fault === "held and lost") {
      this.held += 1;
      await this.#gate;
      throw new TypeError("fetch failed");
    }
    if (typeof fault === "object") return problem(fault.status, fault.code, fault.retryAfter);
    if (init?.method === "GET" && this.failing) return problem(503, "unavailable");
    this.reached.push(`${init?.method} ${url.pathname}`);
    const answer = this.#answer(init?.method ?? "GET", url, init ?? {});
    await this.#gate;
    if (fault === "answer lost") throw new TypeError("terminated");
    return answer;
  };

  /** Answers wait from now on, until what is returned is called. */
  hold(): () => void {
    let open = () => {};
    this.#gate = new Promise((resolve) => {
      open = resolve;
    });
    return () => open();
  }

  /** The next writes meet these, one each. */
  faults(...faults: readonly Fault[]): void {
    this.#faults.push(...faults);
  }

  down(): void {
    this.#isDown = true;
    this.cut();
  }

  up(): void {
    this.#isDown = false;
  }

  /** All streams break, however cleanly. */
  cut(): void {
    for (const { controller } of this.#streams) controller.close();
    this.#streams.clear();
  }

  get streams(): number {
    return this.#streams.size;
  }

  make(id: string): Thread {
    const thread = threadOf(id, { seq: 0, message_count: 0, tip_message_id: null, active_run_id: null });
    this.threads.set(id, { thread, log: [], byKey: new Map() });
    this.append(id, { type: "thread.created", thread: { ...thread, seq: 1 } });
    return thread;
  }

  append(id: string, body: EventBody): void {
    const kept = this.#kept(id);
    const event = { ...body, seq: kept.log.length + 1, thread_id: id } as ThreadlineEvent;
    kept.log.push(event);
    for (const { threads, controller } of this.#streams) if (threads.has(id)) controller.enqueue(frame(event));
  }

  /** A thread is not to be seen any more: the list says so, and its own stream nothing. */
  remove(id: string): void {
    this.threads.delete(id);
    for (const { controller } of this.#streams) controller.enqueue(frame({ type: "thread.removed", thread_id: id }));
  }

  /** The list tells of a thread. */
  list(thread: Thread): void {
    for (const { controller } of this.#streams) controller.enqueue(frame({ type: "thread", thread }));
  }

  /** What people have said in a thread, as the server has it. */
  said(id: string): string[] {
    const created = this.#kept(id).log.filter((event) => event.type === "message.created");
    return created.map(({ message }) => message.content.map((block) => ("text" in block ? block.text : "")).join(""));
  }

  #kept(id: string): Kept {
    const kept = this.threads.get(id);
    if (kept === undefined) throw new Error(`no thread ${id}`);
    return kept;
  }

  #stream(url: URL, signal: AbortSignal | null): Response {
    if (this.refusing > 0) {
      this.refused += 1;
      return problem(this.refusing, "refused");
    }
    const asked = (url.searchParams.get("threads") ?? "").split(",").filter((word) => word !== "");
    const cursors = new Map(asked.map((word) => word.split(":") as [string, string]));
    if ([...cursors.keys()].some((id) => !this.threads.has(id))) return problem(404, "not_found");
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const stream = { controller, threads: new Set(cursors.keys()) };
        this.#streams.add(stream);
        signal?.addEventListener("abort", () => {
          if (this.#streams.delete(stream)) controller.error(signal.reason);
        });
        controller.enqueue(frame({ type: "listed", has_more: false }));
        for (const [id, cursor] of cursors) this.#replay(controller, id, Number(cursor));
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }

  #replay(controller: ReadableStreamDefaultController<Uint8Array>, id: string, after: number): void {
    const { log } = this.#kept(id);
    for (const event of log) if (event.seq > after) controller.enqueue(frame(event));
    controller.enqueue(frame({ type: "caught_up", thread_id: id, seq: log.length }));
  }

  #answer(method: string, url: URL, init: RequestInit): Response {
    const [, , , id = "", what = ""] = url.pathname.split("/");
    if (method === "POST" && url.pathname === "/v1/threads") return this.#create(init);
    if (!this.threads.has(id)) return problem(404, "not_found");
    if (method === "POST" && what === "messages") return this.#accept(id, init);
    if (what === "state") return this.#state(id);
    const page = this.pages.get(url.searchParams.get("leaf") ?? "");
    if (page !== undefined) return Response.json({ data: page, has_more: false, next_cursor: null });
    return problem(405, "method_not_allowed");
  }

  #create(init: RequestInit): Response {
    const { external_id } = JSON.parse(String(init.body)) as { external_id: string };
    const id = `thr_of_${external_id}`;
    return this.threads.has(id) ? Response.json(this.#kept(id).thread) : Response.json(this.make(id), { status: 201 });
  }

  #accept(id: string, init: RequestInit): Response {
    const key = new Headers(init.headers).get("idempotency-key") ?? "";
    const { byKey, log } = this.#kept(id);
    const before = byKey.get(key);
    if (before !== undefined) return Response.json({ message: before, run: null }, { status: 202 });
    const { content } = JSON.parse(String(init.body)) as { content: string };
    const tip = log.findLast((event) => event.type === "message.created")?.message.id ?? null;
    const message = messageOf(`msg_${log.length}`, content, { thread_id: id, request_id: key, parent_id: tip });
    byKey.set(key, message);
    this.append(id, { type: "message.created", message });
    return Response.json({ message, run: null }, { status: 202 });
  }

  #state(id: string): Response {
    const { thread, log } = this.#kept(id);
    const messages = log.flatMap((event) => (event.type === "message.created" ? [event.message] : []));
    const now = {
      ...thread,
      seq: log.length,
      tip_message_id: messages.at(-1)?.id ?? null,
      message_count: messages.length,
    };
    return Response.json({
      thread: now,
      messages,
      runs: [] as Run[],
      members: [],
      has_more: false,
      next_cursor: null,
      seq: log.length,
    });
  }
}

export { runOf };

function frame(data: { readonly type: string; readonly [name: string]: unknown } | ThreadlineEvent): Uint8Array {
  return new TextEncoder().encode(`event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`);
}

function problem(status: number, code: string, retryAfter?: number): Response {
  const headers = {
    "content-type": "application/problem+json",
    ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
  };
  const body = { type: "about:blank", title: code, status, detail: `It is ${code}.`, code, retryable: status >= 500 };
  return new Response(JSON.stringify(body), { status, headers });
}
