// What is said without being kept: that one is typing. One socket a thread, for as long as somebody types.

import { type Http, Unreachable } from "./http.ts";

/** The server forgets it sooner than this after it was said. */
const AGAIN_MS = 3_000;
const QUIET_MS = 30_000;

interface Mouth {
  readonly socket: WebSocket;
  saidAt: number;
  timer?: ReturnType<typeof setTimeout>;
}

export class Voice {
  readonly #http: Http;
  readonly #endUserId: string | undefined;
  readonly #WebSocket: typeof WebSocket | undefined;
  readonly #mouths = new Map<string, Promise<Mouth>>();
  #isClosed = false;

  constructor(http: Http, endUserId: string | undefined, kind: typeof WebSocket | undefined = globalThis.WebSocket) {
    this.#http = http;
    this.#endUserId = endUserId;
    this.#WebSocket = kind;
  }

  typing(threadId: string, isTyping: boolean): void {
    // Nobody waits for it, and nothing is lost with it.
    this.#say(threadId, isTyping).catch(() => this.#mouths.delete(threadId));
  }

  close(): void {
    this.#isClosed = true;
    for (const mouth of this.#mouths.values()) mouth.then(({ socket }) => socket.close()).catch(() => undefined);
    this.#mouths.clear();
  }

  async #say(threadId: string, is_typing: boolean): Promise<void> {
    const Socket = this.#WebSocket;
    if (Socket === undefined || (!is_typing && !this.#mouths.has(threadId))) return;
    const opening = this.#mouths.get(threadId) ?? this.#open(threadId, Socket);
    this.#mouths.set(threadId, opening);
    const mouth = await opening;
    const now = Date.now();
    if (is_typing && now - mouth.saidAt < AGAIN_MS) return;
    mouth.saidAt = is_typing ? now : 0;
    mouth.socket.send(JSON.stringify({ type: "typing", thread_id: threadId, is_typing }));
    clearTimeout(mouth.timer);
    mouth.timer = setTimeout(() => mouth.socket.close(), QUIET_MS);
  }

  async #open(threadId: string, Socket: typeof WebSocket): Promise<Mouth> {
    // A browser's socket has no headers: the token goes with the address.
    const query = { after: "now", token: await this.#http.token(), end_user_id: this.#endUserId };
    const path = { thread_id: threadId };
    const address = this.#http.address("/v1/threads/{thread_id}/socket", { path, query }).replace(/^http/, "ws");
    const socket = new Socket(address);
    await new Promise<void>((resolve, reject) => {
      socket.onopen = () => resolve();
      // Also where it was refused.
      socket.onclose = () => {
        this.#mouths.delete(threadId);
        reject(new Unreachable());
      };
    });
    if (this.#isClosed) socket.close();
    return { socket, saidAt: 0 };
  }
}
