// What is still to be sent. A message is stored first and sent then, with the same key until the server has answered:
// it happens once, also when the network breaks, the page is loaded again, or two tabs look at it.

import { Refusal } from "./http.ts";
import { type Channel, channelOf, type Locks, lead, type Word } from "./leader.ts";
import { pauseMs } from "./machine.ts";
import { Signal } from "./signal.ts";
import type { Outgoing, Store } from "./store/contract.ts";
import type { CreateThread, SendMessage } from "./types.ts";

/** As a screen sees it: `accepted` is what the server has, and the log is about to show. */
export interface Pending extends Omit<Outgoing, "status"> {
  readonly status: Outgoing["status"] | "accepted";
  /** What the server calls it, once accepted. */
  readonly message_id?: string;
}

export interface OutboxOptions {
  readonly store: Store;
  readonly locks: Locks;
  /** Names the lock and the channel: what all tabs on one store share. */
  readonly name: string;
  /** Deliver; resolves with the message's id when the server has accepted it. */
  readonly deliver: (outgoing: Outgoing, signal: AbortSignal) => Promise<string>;
  /** Make the thread that it begins; resolves with its id, which is the same however often it is asked for. */
  readonly create: (outgoing: Outgoing, signal: AbortSignal) => Promise<string>;
  /** The server asks who we are: nothing can be sent until somebody signs in. */
  readonly onUnauthorized?: (refusal: Refusal) => void;
}

/** 128 bits of chance; unlike `randomUUID` also where a page is not served over TLS. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** No answer for so long is none: the same key asks again. */
const DELIVERY_MS_MAX = 30_000;
/** A leader that has sent nothing for so long is asleep, or has no network either. */
const PATIENCE_MS = 10_000;

export class Outbox {
  readonly pending = new Signal<readonly Pending[]>([]);
  /** The threads that messages of `begin` have made since this page was opened, by their keys. */
  readonly begun = new Signal<ReadonlyMap<string, string>>(new Map());
  readonly #options: OutboxOptions;
  readonly #channel: Channel;
  readonly #close = new AbortController();
  readonly #busy = new Set<string>();
  #isLeader = false;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #patience: ReturnType<typeof setTimeout> | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#channel = channelOf(`${options.name}:outbox`, (word) => this.#hear(word));
    void lead(options.locks, `${options.name}:leader`, this.#close.signal, () => {
      this.#isLeader = true;
      this.wake();
    });
    this.#look();
  }

  /** Store a message to be sent. It is safe when this resolves, and shown as pending. */
  add(threadId: string, body: SendMessage): Promise<Pending> {
    return this.#add({ key: newKey(), thread_id: threadId, body });
  }

  /** Store a message with the thread that it begins. `begun` says which thread that is, once the server has made it. */
  begin(create: CreateThread, body: SendMessage): Promise<Pending> {
    const key = newKey();
    return this.#add({ key, thread_id: `new:${key}`, create, body });
  }

  async #add(what: Pick<Outgoing, "key" | "thread_id" | "create" | "body">): Promise<Pending> {
    const outgoing = await this.#options.store.enqueue({
      ...what,
      created_at: new Date().toISOString(),
      status: "pending",
      error: null,
    });
    this.#show(outgoing.key, outgoing);
    this.#channel.say({ type: "added", key: outgoing.key });
    this.#pump();
    return outgoing;
  }

  /** Send one again that was refused. */
  async retry(key: string): Promise<void> {
    const found = this.pending.get().find((one) => one.key === key);
    if (found?.status !== "failed") return;
    await this.#change({ ...found, status: "pending", error: null });
    this.#pump();
  }

  /** Take one back; false where the server has it. What is on its way at this moment is waited for. */
  async withdraw(key: string): Promise<boolean> {
    const { locks, store } = this.#options;
    let isDropped = false;
    const drop = async () => {
      isDropped = await store.drop(key);
    };
    // Where the wait ends, or the store fails, it was not taken back.
    await locks.hold(this.#lockOf(key), drop, this.#close.signal).catch(() => undefined);
    if (isDropped) this.#tell({ type: "dropped", key });
    return isDropped;
  }

  /** The network may be back: do not wait for the timer. */
  wake(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#failures = 0;
    this.#look();
  }

  /** The log shows some of them now, or nobody looks. */
  seen(isSeen: (pending: Pending) => boolean): void {
    const left = this.pending.get().filter((one) => one.status !== "accepted" || !isSeen(one));
    if (left.length < this.pending.get().length) this.pending.set(left);
  }

  close(): void {
    this.#close.abort();
    this.#channel.close();
    clearTimeout(this.#timer);
    clearTimeout(this.#patience);
  }

  // --- sending ---

  #pump(): void {
    if (this.#timer !== undefined || this.#close.signal.aborted) return;
    if (!this.#isLeader) this.#waitForLeader();
    else this.#send();
  }

  #send(): void {
    for (const outgoing of this.pending.get()) {
      if (outgoing.status !== "pending" || this.#busy.has(outgoing.thread_id)) continue;
      this.#busy.add(outgoing.thread_id);
      void this.#deliver(outgoing.key).then((goesOn) => {
        this.#busy.delete(outgoing.thread_id);
        if (goesOn) this.#pump();
      });
    }
  }

  // A leader may sleep, such as a tab that its device has stopped. Each message has a lock of its own: two may send.
  #waitForLeader(): void {
    const isPending = (one: Pending) => one.status === "pending";
    const first = this.pending.get().find(isPending);
    if (first === undefined) return;
    this.#patience ??= setTimeout(() => {
      this.#patience = undefined;
      this.#isLeader ||= this.pending.get().some((one) => one.key === first.key && isPending(one));
      this.#pump();
    }, PATIENCE_MS);
  }

  /** Deliver one; false where the timer, or somebody, has to wake us first. */
  async #deliver(key: string): Promise<boolean> {
    const { locks } = this.#options;
    // Whoever has the lock decides about it: it is either sent or taken back, never both.
    // Where it is taken, or waited for, somebody is taking it back at this moment; and a store that fails may come to itself again.
    const goesOn = await locks.attempt(this.#lockOf(key), () => this.#deliverLocked(key)).catch(() => undefined);
    if (goesOn === undefined) this.#pause(0);
    return goesOn ?? false;
  }

  async #deliverLocked(key: string): Promise<boolean> {
    const outgoing = (await this.#options.store.outbox()).find((one) => one.key === key);
    if (outgoing?.status !== "pending") {
      await this.#reload();
      return true;
    }
    try {
      await (outgoing.create === undefined ? this.#post(outgoing) : this.#begin(outgoing));
      return true;
    } catch (error) {
      return this.#fail(outgoing, error);
    }
  }

  async #post(outgoing: Outgoing): Promise<void> {
    const { store, deliver } = this.#options;
    const message_id = await deliver(outgoing, this.#inTime());
    await store.drop(outgoing.key);
    this.#failures = 0;
    this.#tell({ type: "accepted", key: outgoing.key, message_id });
  }

  // From here on it is a message to that thread, like any other; before, asking again gives the same thread.
  async #begin(outgoing: Outgoing): Promise<void> {
    const thread_id = await this.#options.create(outgoing, this.#inTime());
    const { create: _, ...message } = outgoing;
    await this.#change({ ...message, thread_id });
    this.#tell({ type: "begun", key: outgoing.key, thread_id });
  }

  #inTime(): AbortSignal {
    return AbortSignal.any([this.#close.signal, AbortSignal.timeout(DELIVERY_MS_MAX)]);
  }

  async #fail(outgoing: Outgoing, error: unknown): Promise<boolean> {
    if (this.#close.signal.aborted) return false;
    if (error instanceof Refusal && error.problem.status === 401) {
      this.#options.onUnauthorized?.(error);
      return false;
    }
    if (!(error instanceof Refusal) || error.isPassing) {
      this.#pause(error instanceof Refusal ? error.retryAfterMs : 0);
      return false;
    }
    const { code, detail, title } = error.problem;
    await this.#change({ ...outgoing, status: "failed", error: { code, message: detail || title } });
    return true;
  }

  #pause(retryAfterMs: number): void {
    if (this.#timer !== undefined) return;
    this.#failures += 1;
    const go = () => {
      this.#timer = undefined;
      this.#pump();
    };
    this.#timer = setTimeout(go, pauseMs(this.#failures, Math.random(), retryAfterMs));
  }

  // --- what is shown ---

  #hear(word: Word): void {
    if (word.type === "accepted") this.#accept(word.key, word.message_id);
    else if (word.type === "begun") this.begun.set(new Map(this.begun.get()).set(word.key, word.thread_id));
    else if (word.type === "dropped") this.#show(word.key);
    else this.#look();
  }

  #tell(word: Word): void {
    this.#hear(word);
    this.#channel.say(word);
  }

  #look(): void {
    const pump = () => this.#pump();
    // A store that fails may come to itself again: with the next look.
    this.#reload().then(pump, pump);
  }

  async #reload(): Promise<void> {
    const stored = await this.#options.store.outbox();
    if (this.#close.signal.aborted) return;
    const accepted = this.pending.get().filter((one) => one.status === "accepted");
    const kept = stored.filter((one) => accepted.every((other) => other.key !== one.key));
    this.#set([...accepted, ...kept]);
  }

  async #change(outgoing: Outgoing): Promise<void> {
    if (await this.#options.store.change(outgoing)) {
      this.#show(outgoing.key, outgoing);
      this.#channel.say({ type: "changed", key: outgoing.key });
    } else {
      this.#show(outgoing.key);
    }
  }

  #accept(key: string, message_id: string): void {
    const found = this.pending.get().find((one) => one.key === key);
    if (found !== undefined) this.#show(key, { ...found, status: "accepted", message_id });
  }

  /** Show what has this key as it is now; nothing is that it is not there any more. */
  #show(key: string, ...shown: Pending[]): void {
    this.#set([...this.pending.get().filter((one) => one.key !== key), ...shown]);
  }

  #set(pending: Pending[]): void {
    this.pending.set(pending.sort((one, other) => one.order - other.order));
  }

  #lockOf(key: string): string {
    return `${this.#options.name}:send:${key}`;
  }
}
