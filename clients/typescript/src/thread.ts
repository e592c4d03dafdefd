// One thread as somebody looks at it: from the store at once, then along the log.

import {
  byId,
  EMPTY,
  fold,
  knownOf,
  LogHole,
  membersOf,
  messagesOf,
  runsOf,
  type Snapshot,
  siblingsOf,
  stateOf,
  type ThreadState,
  type WireEvent,
  withMessages,
} from "./fold.ts";
import { type Http, Refusal } from "./http.ts";
import { pauseMs } from "./machine.ts";
import type { Outbox, Pending } from "./outbox.ts";
import { nextSilence, type People, type PresenceWord, quieted, withPresence } from "./presence.ts";
import { isKnown, shownOf } from "./shown.ts";
import { Signal } from "./signal.ts";
import type { Store } from "./store/contract.ts";
import type { ChangeRun, Message, Operations, Problem, RegenerateMessage, SendMessage, Sent, Thread } from "./types.ts";
import { LOADING, type ThreadStatus, type ThreadView } from "./view.ts";

export interface ThreadOptions {
  readonly id: string;
  readonly http: Http;
  readonly store: Store;
  readonly outbox: Outbox;
  /** How far its log goes, as far as the list knows. */
  readonly headOf: () => number;
  /** It is followed now, or is not any more, or from another place of its log. */
  readonly onFollowed: () => void;
  /** It is deleted, or not to be seen any more. */
  readonly onGone: () => void;
}

/** What of a send may be said beside its content. */
export type SendOptions = Omit<SendMessage, "content" | "stream" | "background">;

const PAGE = 50;
const SAVE_MS = 500;
/** A screen that is built anew looks away for a moment. */
const LINGER_MS = 2_000;
const REPLAY_EVENTS_MAX = 1_000;
const NOBODY: People = new Map();

export class LiveThread {
  readonly id: string;
  readonly view: Signal<ThreadView>;
  readonly people: Signal<People>;
  readonly #options: ThreadOptions;
  #state: ThreadState = EMPTY;
  #saved = new Map<string, Message>();
  #status: ThreadStatus = "loading";
  #problem: Problem | null = null;
  #watchers = 0;
  #isFollowed = false;
  #filling = new Map<string, Promise<void>>();
  #isReading = false;
  #saving: ReturnType<typeof setTimeout> | undefined;
  #leaving: ReturnType<typeof setTimeout> | undefined;
  #quieting: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ThreadOptions) {
    this.id = options.id;
    this.#options = options;
    const watched = (isWatched: boolean) => this.#watch(isWatched ? 1 : -1);
    this.view = new Signal(LOADING, watched);
    this.people = new Signal(NOBODY, watched);
  }

  /** Where its log is to be followed from; null where it is not to be followed. */
  get cursor(): number | null {
    return this.#isFollowed && this.#status === "ready" ? this.#state.seq : null;
  }

  get isFollowed(): boolean {
    return this.#isFollowed;
  }

  get state(): ThreadState {
    return this.#state;
  }

  // --- what people do ---

  /** Send; it is safe on this device when this resolves, and shown at once. */
  send(content: SendMessage["content"], options: SendOptions = {}): Promise<Pending> {
    return this.#options.outbox.add(this.id, { content, ...options });
  }

  /** Put a question otherwise: the answer to it becomes the active branch. */
  edit(messageId: string, content: SendMessage["content"], options: SendOptions = {}): Promise<Pending> {
    return this.send(content, { ...options, edit_of: messageId });
  }

  /** Stop the answer in progress; what was said is kept. */
  async stop(): Promise<void> {
    const { run } = this.view.get();
    if (run !== null) await this.cancel(run.id);
  }

  /** Rewrite what waits for its turn, or move it: `position` counts from 1. */
  async change(runId: string, change: ChangeRun): Promise<void> {
    await this.#options.http.call("PATCH /v1/runs/{run_id}", { path: { run_id: runId }, body: change });
  }

  /** Withdraw what waits for its turn. */
  async cancel(runId: string): Promise<void> {
    await this.#options.http.call("POST /v1/runs/{run_id}/cancel", { path: { run_id: runId }, body: {} });
  }

  /** Answer a question again, beside the answer that it has; `messageId` is of either. */
  regenerate(messageId: string, options: RegenerateMessage = {}): Promise<Sent> {
    const body = { thread_id: this.id, ...options, background: true };
    return this.#options.http.call("POST /v1/messages/{message_id}/regenerate", {
      path: { message_id: messageId },
      body,
    });
  }

  /** Allow or forbid a tool call that waits for somebody: one of `run.waiting_for.approvals`. */
  async decide(toolUseId: string, approve: boolean, reason: string | null = null): Promise<void> {
    const { run } = this.view.get();
    if (run === null) return;
    const body = { tool_use_id: toolUseId, approve, reason };
    await this.#options.http.call("POST /v1/runs/{run_id}/approvals", { path: { run_id: run.id }, body });
  }

  /** What is known of the messages beside this one, in their order: `switchTo` goes there. */
  siblings(messageId: string): readonly Message[] {
    return siblingsOf(this.#state, messageId);
  }

  /**
   * All messages beside this one, asking for those that are not known here.
   *
   * The heads of the branches are read, newest first, and each branch from its head up, until as many are known as the server
   * has counted.
   */
  async loadSiblings(messageId: string): Promise<readonly Message[]> {
    const before = this.#state.messages;
    const message = before.get(messageId);
    const count = message?.siblings?.count ?? Number.POSITIVE_INFINITY;
    const floor = before.get(message?.parent_id ?? "")?.seq ?? 0;
    let cursor: string | null | undefined;
    while (cursor !== null && this.siblings(messageId).length < count) {
      const asked = { path: { thread_id: this.id }, query: { limit: PAGE, ...(cursor && { cursor }) } };
      const heads = await this.#options.http.call("GET /v1/threads/{thread_id}/branches", asked);
      await Promise.all(heads.data.map((head) => this.#reach(head.tip_message_id, before, floor)));
      cursor = heads.next_cursor;
    }
    return this.siblings(messageId);
  }

  /** Read a branch from its end up, to what was known before or to a message that is not after `floor`. */
  async #reach(tip: string, before: ReadonlyMap<string, Message>, floor: number): Promise<void> {
    let id: string | null = tip;
    while (id !== null && !before.has(id)) {
      if (!this.#state.messages.has(id)) await this.#fill(id);
      const message = this.#state.messages.get(id);
      if (message === undefined || (message.seq ?? 0) <= floor) return;
      id = message.parent_id;
    }
  }

  /** Show the branch that this message is on: its newest one. */
  async switchTo(messageId: string): Promise<void> {
    await this.update({ tip_message_id: messageId });
  }

  async update(change: Operations["PATCH /v1/threads/{thread_id}"]["body"]): Promise<Thread> {
    return this.#options.http.call("PATCH /v1/threads/{thread_id}", { path: { thread_id: this.id }, body: change });
  }

  /** Read what stands before the first message that is shown. */
  async loadOlder(): Promise<void> {
    const first = messagesOf(this.#state)[0]?.parent_id;
    if (first) await this.#fill(first);
  }

  /** Begin with a state that came with the page: it is shown before anything is asked. */
  begin(snapshot: Snapshot): void {
    if (snapshot.seq <= this.#state.seq) return;
    this.#replace(snapshot);
    this.publish();
    this.#save();
    if (this.#isFollowed) this.#options.onFollowed();
  }

  // --- following ---

  /** Take events of its log, and what is said of presence. */
  take(told: readonly (WireEvent | PresenceWord)[]): void {
    const before = this.#state;
    try {
      for (const one of told) {
        if ("seq" in one) this.#state = fold(this.#state, one);
        else this.#meet(one);
      }
    } catch (error) {
      if (!(error instanceof LogHole)) throw error;
      // Where it cannot be read, the log tells again what there is.
      this.reload().catch(() => this.#options.onFollowed());
    }
    if (this.#state === before) return;
    if (this.#state.thread === null) this.#lose(null);
    else this.#show();
  }

  #show(): void {
    this.publish();
    this.#save();
    void this.#readOn();
  }

  /** Read the state anew, such as after a hole in the log. Throws what `Http.call` throws. */
  async reload(): Promise<void> {
    const { http } = this.#options;
    const asked = { path: { thread_id: this.id }, query: { limit: PAGE, view: "audit" } } as const;
    try {
      this.#replace(await http.call("GET /v1/threads/{thread_id}/state", asked));
    } catch (error) {
      if (error instanceof Refusal && !error.isPassing) this.#lose(error.problem);
      throw error;
    }
    this.publish();
    this.#save();
    this.#options.onFollowed();
  }

  #replace(snapshot: Snapshot): void {
    const settled = knownOf(this.#state).filter((message) => message.status !== "streaming");
    this.#state = withMessages(stateOf(snapshot), settled);
    this.#status = "ready";
    this.#problem = null;
  }

  /** Show what is known now, also of the outbox. */
  publish(): void {
    const { outbox } = this.#options;
    const pending = outbox.pending.get().filter((one) => one.thread_id === this.id);
    const messages = shownOf(this.#state, pending);
    const runs = [...this.#state.runs.values()];
    this.view.set({
      status: this.#status,
      thread: this.#state.thread,
      messages,
      run: runs.find((run) => run.position === null) ?? null,
      queue: runsOf(this.#state).filter((waiting) => waiting.position !== null),
      members: membersOf(this.#state),
      failed: pending.filter((one) => one.status === "failed"),
      hasOlder: messages[0]?.delivery === "stored" && messages[0].message.parent_id !== null,
      problem: this.#problem,
    });
    if (pending.length > 0) outbox.seen((one) => one.thread_id === this.id && isKnown(this.#state, one));
  }

  /** Stop following, and keep what is known. */
  async close(): Promise<void> {
    for (const timer of [this.#leaving, this.#quieting]) clearTimeout(timer);
    this.#isFollowed = false;
    this.#watchers = 0;
    await this.#keep();
  }

  #watch(change: 1 | -1): void {
    this.#watchers += change;
    clearTimeout(this.#leaving);
    if (this.#watchers > 0) void this.#follow();
    else this.#leaving = setTimeout(() => this.#leave(), LINGER_MS);
  }

  async #follow(): Promise<void> {
    if (this.#isFollowed) return;
    this.#isFollowed = true;
    // It may be back, for whoever is invited again.
    if (this.#status === "gone") this.#status = "loading";
    if (this.#status === "loading") await this.#recall();
    this.publish();
    // Who was away for long reads where things stand; the words that led there are history.
    if (this.#status === "ready" && this.#options.headOf() > this.#state.seq + REPLAY_EVENTS_MAX) {
      await this.reload().catch(() => undefined);
    }
    this.#options.onFollowed();
    await this.#readOn();
  }

  #leave(): void {
    this.#isFollowed = false;
    this.people.set(NOBODY);
    this.#options.onFollowed();
  }

  async #recall(): Promise<void> {
    const found = await this.#options.store.thread(this.id).catch(() => undefined);
    if (found === undefined || this.#status !== "loading") return;
    this.#state = stateOf({ ...found.kept, messages: found.messages });
    this.#saved = byId(found.messages);
    this.#status = "ready";
  }

  /** Ask until it is known: for the thread, and for the branch that it is on, without which there is nothing to be shown. */
  async #readOn(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    for (let asked = 0; this.#isFollowed; asked++) {
      const tip = this.#state.thread?.tip_message_id ?? null;
      const isLoading = this.#status === "loading";
      if (!isLoading && (tip === null || this.#state.messages.has(tip))) break;
      if (asked > 0) await new Promise((wake) => setTimeout(wake, pauseMs(asked, Math.random())));
      await (isLoading ? this.reload() : this.#fill(tip ?? "")).catch(() => undefined);
    }
    this.#isReading = false;
  }

  #lose(problem: Problem | null): void {
    // Only what is nobody's to see is forgotten; whoever has to sign in again finds everything as it was.
    if (problem !== null && problem.status !== 404) {
      this.#problem = problem;
      this.publish();
      return;
    }
    this.#status = "gone";
    this.#problem = problem;
    this.#state = EMPTY;
    this.publish();
    this.#options.store.forget(this.id).catch(() => undefined);
    this.#options.onGone();
    this.#options.onFollowed();
  }

  // --- branches that are not known here ---

  #fill(leaf: string): Promise<void> {
    const going = this.#filling.get(leaf) ?? this.#fillOnce(leaf).finally(() => this.#filling.delete(leaf));
    this.#filling.set(leaf, going);
    return going;
  }

  async #fillOnce(leaf: string): Promise<void> {
    const asked = { path: { thread_id: this.id }, query: { leaf, limit: PAGE, view: "audit" } } as const;
    const page = await this.#options.http.call("GET /v1/threads/{thread_id}/messages", asked);
    this.#state = withMessages(this.#state, page.data);
    this.publish();
    this.#save();
  }

  // --- keeping ---

  #save(): void {
    this.#saving ??= setTimeout(() => void this.#keep(), SAVE_MS);
  }

  async #keep(): Promise<void> {
    clearTimeout(this.#saving);
    this.#saving = undefined;
    const { seq, thread, runs, members } = this.#state;
    if (thread === null) return;
    const changed = knownOf(this.#state).filter((message) => this.#saved.get(message.id) !== message);
    const kept = { id: this.id, seq, thread, runs: [...runs.values()], members: [...members.values()] };
    // A store that is full or broken costs the next start, not the screen; what it does not have it is given again.
    const saved = () => {
      for (const message of changed) this.#saved.set(message.id, message);
    };
    await this.#options.store.keep(kept, changed).then(saved, () => undefined);
  }

  // --- who is there ---

  #meet(word: PresenceWord): void {
    this.people.set(withPresence(this.people.get(), word, Date.now()));
    this.#quietLater();
  }

  #quietLater(): void {
    clearTimeout(this.#quieting);
    const at = nextSilence(this.people.get(), Date.now());
    if (at === null) return;
    this.#quieting = setTimeout(() => {
      this.people.set(quieted(this.people.get(), Date.now()));
      this.#quietLater();
    }, at - Date.now());
  }
}
