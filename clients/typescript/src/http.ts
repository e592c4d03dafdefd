// Plain requests, typed by the server's own document.

import type { Operations, Problem } from "./types.ts";

/** The server has answered with a problem. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly problem: Problem;
  readonly retryAfterMs: number;

  constructor(problem: Problem, retryAfterMs = 0) {
    super(problem.detail || problem.title);
    this.problem = problem;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether the same request may be accepted later without anybody doing anything about it. */
  get isPassing(): boolean {
    return this.problem.retryable || this.problem.status >= 500 || this.problem.status === 429;
  }
}

/** There was no answer: the network is away, or the server. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";

  constructor(cause?: unknown) {
    super("No answer.", { cause });
  }
}

/** Nothing heard for so long is no answer: a network may swallow what it is given, and never say so. */
export const SILENCE_MS_MAX = 30_000;

export type Operation = keyof Operations;
type Body<Name extends Operation> = Operations[Name]["body"];
type Names<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;

export type Asked<Name extends Operation> = {
  readonly query?: Operations[Name]["query"];
  readonly signal?: AbortSignal | undefined;
  readonly idempotencyKey?: string;
} & ([Names<Name>] extends [never] ? unknown : { readonly path: Readonly<Record<Names<Name>, string>> }) &
  (undefined extends Body<Name> ? { readonly body?: Body<Name> } : { readonly body: Body<Name> });

/** A token, or what gets one; `isStale` says that the last one was refused. */
export type Token = string | ((isStale: boolean) => string | Promise<string>);

export interface HttpOptions {
  /** Where the server is; the page's own origin unless said. */
  readonly baseUrl?: string;
  /** A key or an end user's token; without one the browser's cookie says who is asking. */
  readonly token?: Token;
  /** More headers for every request, such as one against forged requests. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly fetch?: typeof fetch;
}

interface Loose {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | boolean | null | undefined>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  readonly idempotencyKey?: string;
}

export class Http {
  readonly #options: HttpOptions;

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  /** Ask for an operation. Throws `Refusal`, `Unreachable`, or the reason of `signal`. */
  async call<Name extends Operation>(name: Name, asked: Asked<Name>): Promise<Operations[Name]["answer"]> {
    const loose = asked as Loose;
    const silence = new AbortController();
    const signal = AbortSignal.any([silence.signal, loose.signal ?? silence.signal]);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const heard = () => {
      clearTimeout(timer);
      // What is posted may be answered when a run has ended, which takes as long as it takes.
      if (!name.startsWith("POST")) timer = setTimeout(() => silence.abort(new Unreachable()), SILENCE_MS_MAX);
    };
    try {
      heard();
      let text = "";
      for await (const piece of piecesOf(await this.open(name, { ...loose, signal }), signal)) {
        heard();
        text += piece;
      }
      return text ? JSON.parse(text) : undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ask, and return the response once it has begun well. */
  async open(operation: string, asked: Loose): Promise<Response> {
    const response = await this.#fetch(operation, asked, false);
    if (response.status !== 401 || !this.hasFreshTokens) return accepted(response);
    return accepted(await this.#fetch(operation, asked, true));
  }

  /** The address of an operation, also for a socket. */
  address(path: string, asked: Loose): string {
    const filled = path.replace(/\{(\w+)\}/g, (_, key: string) => encodeURIComponent(asked.path?.[key] ?? ""));
    const query = Object.entries(asked.query ?? {}).filter(([, value]) => value !== null && value !== undefined);
    const search = new URLSearchParams(query as [string, string][]).toString();
    const base = (this.#options.baseUrl ?? globalThis.location?.origin ?? "").replace(/\/$/, "");
    return base + filled + (search && `?${search}`);
  }

  async token(isStale = false): Promise<string | undefined> {
    const { token } = this.#options;
    return typeof token === "function" ? await token(isStale) : token;
  }

  /** What every request says of whoever asks. */
  async headers(isStale = false): Promise<Record<string, string>> {
    const token = await this.token(isStale);
    return { ...this.#options.headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) };
  }

  /** Whether there may be another token where one was refused. */
  get hasFreshTokens(): boolean {
    return typeof this.#options.token === "function";
  }

  /** What asks, where that is not the runtime's own. */
  get fetch(): typeof fetch | undefined {
    return this.#options.fetch;
  }

  async #fetch(operation: string, asked: Loose, isStale: boolean): Promise<Response> {
    const [method = "GET", path = "/"] = operation.split(" ");
    const headers = await unlessAborted(this.headers(isStale), asked.signal);
    if (asked.idempotencyKey) headers["idempotency-key"] = asked.idempotencyKey;
    const body = asked.body === undefined ? null : JSON.stringify(asked.body);
    if (body) headers["content-type"] = "application/json";
    const { signal = null } = asked;
    const init: RequestInit = { method, headers, body, signal, credentials: "same-origin", cache: "no-store" };
    const ask = this.#options.fetch ?? globalThis.fetch;
    return unlessAborted(ask(this.address(path, asked), init), asked.signal);
  }
}

/** The text of a body as it comes. Throws `Unreachable`, or the reason of `signal`. */
export async function* piecesOf({ body }: Response, signal: AbortSignal): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  const reader = body?.getReader();
  while (reader !== undefined) {
    const { done, value } = await unlessAborted(reader.read(), signal);
    if (done) return;
    yield decoder.decode(value, { stream: true });
  }
}

/** The response, if the request was accepted. Throws `Refusal`. */
export async function accepted(response: Response): Promise<Response> {
  if (response.ok) return response;
  const said = (await response.json().catch(() => null)) as Partial<Problem> | null;
  const seconds = Number(response.headers.get("retry-after")) || 0;
  throw new Refusal(problemOf(said, response), seconds * 1000);
}

// What stands between us and the server, such as a proxy, has errors of its own form.
function problemOf(said: Partial<Problem> | null, { status, statusText }: Response): Problem {
  const fallback: Problem = {
    type: "about:blank",
    title: statusText || `Status ${status}`,
    status,
    detail: "",
    code: "unknown",
    retryable: status >= 500 || status === 408 || status === 429,
  };
  return said?.code ? { ...fallback, ...said } : fallback;
}

/** Wait for something of the network: its failures become `Unreachable`, an abort stays what it is. */
export async function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  try {
    return await promise;
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof Refusal) throw error;
    throw new Unreachable(error);
  }
}
