// Drives the connection machine: one event stream for the list and for every thread that somebody looks at.

import { type Http, piecesOf, Refusal } from "./http.ts";
import { type Connection, type Happening, IDLE, step } from "./machine.ts";
import { Signal } from "./signal.ts";
import { FrameParser } from "./sse.ts";

/** What comes over the stream: events of logs, threads of the list, and what is in no log. */
export interface Told {
  readonly type: string;
  readonly thread_id?: string;
  readonly seq?: number;
}

export interface LinkOptions {
  readonly http: Http;
  /** What to follow now; null is nothing. */
  readonly query: () => Readonly<Record<string, string | number>> | null;
  /** Takes what came together, in order. */
  readonly onTold: (told: readonly Told[]) => void;
  /** The server knows nothing of something that was to be followed. Resolves when the query has been mended. */
  readonly onLost: () => Promise<void>;
}

/** The server is heard every 15 seconds; who is silent for longer than two of them is gone. */
const SILENCE_MS_MAX = 40_000;
const LOOK_MS = 10_000;

export class Link {
  readonly connection = new Signal<Connection>(IDLE);
  readonly #options: LinkOptions;
  readonly #close = new AbortController();
  #request: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #heardAt = 0;
  #isSetting = false;
  #awaited = new Set<string>();

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#listen();
  }

  /** What is to be followed has changed, or it is worth another try, such as after signing in. Changes of one moment make one connection. */
  changed(): void {
    if (this.#isSetting || this.#close.signal.aborted) return;
    this.#isSetting = true;
    queueMicrotask(() => {
      this.#isSetting = false;
      this.#happen({ type: this.#options.query() === null ? "unwanted" : "wanted" });
    });
  }

  close(): void {
    this.#close.abort();
    this.#request?.abort();
    clearTimeout(this.#timer);
    this.connection.set(IDLE);
  }

  #listen(): void {
    const { signal } = this.#close;
    const at = (isOnline: boolean) => () => this.#happen({ type: "network", isOnline });
    globalThis.addEventListener?.("online", at(true), { signal });
    globalThis.addEventListener?.("offline", at(false), { signal });
    globalThis.document?.addEventListener("visibilitychange", () => this.#look(), { signal });
  }

  #look(): void {
    if (globalThis.document?.visibilityState === "hidden") return;
    // A page that stood still has not heard that the network is back.
    if (globalThis.navigator?.onLine !== false) this.#happen({ type: "network", isOnline: true });
    this.#happen({ type: "woken", isStale: Date.now() - this.#heardAt > SILENCE_MS_MAX / 2 });
  }

  #happen(happening: Happening): void {
    if (this.#close.signal.aborted) return;
    const { connection, deed } = step(this.connection.get(), happening, Date.now(), Math.random());
    if (deed !== "nothing") {
      clearTimeout(this.#timer);
      this.#request?.abort();
      this.#request = null;
    }
    if (deed === "sleep") {
      const pause = (connection.retryAt ?? 0) - Date.now();
      this.#timer = setTimeout(() => this.#happen({ type: "timer" }), pause);
    }
    this.connection.set(connection);
    // It may find that nothing is wanted any more, and say so at once.
    if (deed === "connect") this.#connect();
  }

  #connect(): void {
    const request = new AbortController();
    this.#request = request;
    // What a request has to say counts only as long as no other has taken its place.
    const tell = (happening: Happening) => {
      if (this.#request === request) this.#happen(happening);
    };
    this.#heardAt = Date.now();
    this.#watch(tell);
    this.#read(request.signal, tell).catch((error: unknown) => this.#fail(error, request.signal, tell));
  }

  #watch(tell: (happening: Happening) => void): void {
    this.#timer = setTimeout(() => {
      if (Date.now() - this.#heardAt > SILENCE_MS_MAX) tell({ type: "cut" });
      else this.#watch(tell);
    }, LOOK_MS);
  }

  async #read(signal: AbortSignal, tell: (happening: Happening) => void): Promise<void> {
    const query = this.#options.query();
    if (query === null) return tell({ type: "unwanted" });
    this.#awaited = new Set(["", ...String(query.threads ?? "").split(",")].map((word) => word.split(":")[0] ?? ""));
    const response = await this.#options.http.open("GET /v1/stream", { query, signal });
    tell({ type: "opened" });
    const parser = new FrameParser();
    for await (const piece of piecesOf(response, signal)) {
      if (signal.aborted) return;
      this.#heardAt = Date.now();
      const frames = parser.feed(piece);
      if (frames.length > 0)
        this.#take(
          frames.map((frame) => JSON.parse(frame.data)),
          tell,
        );
    }
    // However clean the end looks: this stream never ends by itself.
    tell({ type: "cut" });
  }

  #take(told: readonly Told[], tell: (happening: Happening) => void): void {
    this.#options.onTold(told);
    for (const { type, thread_id } of told) {
      if (type === "listed") this.#awaited.delete("");
      if (type === "caught_up") this.#awaited.delete(thread_id ?? "");
    }
    if (this.#awaited.size === 0 && this.connection.get().phase !== "live") tell({ type: "caught_up" });
  }

  async #fail(error: unknown, signal: AbortSignal, tell: (happening: Happening) => void): Promise<void> {
    if (signal.aborted) return;
    if (!(error instanceof Refusal)) return tell({ type: "cut" });
    const { problem, retryAfterMs, isPassing } = error;
    if (isPassing) return tell({ type: "cut", retryAfterMs });
    if (problem.status !== 404 && problem.status !== 400) return tell({ type: "refused", problem });
    // One of the threads is gone, or has another past than we know: see which, and come back.
    // What is mended changes what is to be followed: once it is all mended that makes one connection, after a pause.
    this.#isSetting = true;
    await this.#options.onLost().catch(() => {});
    this.#isSetting = false;
    tell({ type: "cut" });
  }
}
