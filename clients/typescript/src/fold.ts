// Events become state. Pure: the same log gives the same state here, on every node and in every other client. The
// twin of `src/threadline/fold.py`; both run the cases in `tests/cases/fold`.
//
// States share what did not change: a token makes one new message and nothing else, however long the thread is.

import { once } from "./known.ts";
import type { Member, Message, Run, State, Thread, ThreadlineEvent } from "./types.ts";

export type Block = Message["content"][number];

/** The fold of one thread's log up to `seq`. `live` are the messages that are still being written. */
export interface ThreadState {
  readonly seq: number;
  readonly thread: Thread | null;
  readonly messages: ReadonlyMap<string, Message>;
  readonly live: ReadonlyMap<string, Message>;
  readonly runs: ReadonlyMap<string, Run>;
  readonly members: ReadonlyMap<string, Member>;
}

/** An event as it comes over the wire; its type may be one that this version does not know. */
export type WireEvent =
  | ThreadlineEvent
  | { readonly type: "unknown"; readonly seq: number; readonly thread_id: string };

export const EMPTY: ThreadState = {
  seq: 0,
  thread: null,
  messages: new Map(),
  live: new Map(),
  runs: new Map(),
  members: new Map(),
};

/** The log has a hole: what comes next cannot be folded, and the state has to be read again. */
export class LogHole extends Error {
  override readonly name = "LogHole";
}

export type Snapshot = Pick<State, "thread" | "messages" | "runs" | "members" | "seq">;

/** Begin with a state that the server or a store has given. */
export function stateOf(snapshot: Snapshot): ThreadState {
  const { seq, thread, runs, members } = snapshot;
  const state = { ...EMPTY, seq, thread, runs: byId(runs), members: byId(members ?? []) };
  return withMessages(state, snapshot.messages);
}

/** Add messages that were read apart from the log, such as older ones. What is known already stays as it is. */
export function withMessages(state: ThreadState, found: readonly Message[]): ThreadState {
  const unknown = found.filter((message) => !known(state, message.id));
  if (unknown.length === 0) return state;
  return {
    ...state,
    messages: new Map([...state.messages, ...byId(unknown)]),
    live: new Map([...state.live, ...byId(unknown.filter((message) => message.status === "streaming"))]),
  };
}

/** Take the next event of the log. What the state has already is left out; throws `LogHole` where one is missing. */
export function fold(state: ThreadState, event: WireEvent): ThreadState {
  if (event.seq <= state.seq) return state;
  if (event.seq !== state.seq + 1) throw new LogHole(`${state.seq} is followed by ${event.seq}`);
  const next = foldKind(state, event as ThreadlineEvent);
  return { ...next, seq: event.seq, thread: next.thread && { ...next.thread, seq: event.seq } };
}

function foldKind(state: ThreadState, event: ThreadlineEvent): ThreadState {
  switch (event.type) {
    case "thread.created":
      return { ...state, thread: event.thread };
    case "thread.updated":
      // The turn of a run whose question is a message already: nothing else tells of it.
      return forgetInput(changeThread(state, event.thread), event.thread.active_run_id ?? null);
    case "thread.deleted":
      return { ...state, thread: null };
    case "member.added":
    case "member.updated":
      return { ...state, members: put(state.members, event.member) };
    case "member.removed":
      return { ...state, members: without(state.members, event.member.id) };
    case "run.queued":
      return queue(state, event.run);
    case "run.started":
    case "run.waiting":
      return { ...state, runs: put(state.runs, event.run) };
    case "run.completed":
    case "run.failed":
    case "run.cancelled":
    case "run.expired":
      return endRun(state, event.run);
    default:
      return foldMessage(state, event);
  }
}

type Other = `thread.${string}` | `member.${string}` | `run.${string}`;
type MessageKind = Exclude<ThreadlineEvent, { readonly type: Other }>;

function foldMessage(state: ThreadState, event: MessageKind): ThreadState {
  switch (event.type) {
    case "message.created":
    case "message.started":
      return addMessage(state, event.message);
    case "message.delta":
      return write(state, event.message_id, event.block, (before) => added(before, event.kind, event.text));
    case "message.superseded":
      return supersede(state, event.message_id);
    case "message.completed":
      return complete(state, event.message);
    case "tool.requested": {
      const block = { type: "tool_use", id: event.tool_use_id, name: event.name, input: event.input } as const;
      return write(state, event.message_id, event.block, () => block);
    }
    case "tool.completed": {
      const { tool_use_id, output, is_error } = event;
      const block = { type: "tool_result", tool_use_id, content: output, is_error } as const;
      return write(state, event.message_id, event.block, () => block);
    }
    default:
      return state; // `tool.started` changes nothing; what is unknown is for a newer version.
  }
}

// --- messages ---

function known(state: ThreadState, id: string): Message | undefined {
  return state.live.get(id) ?? state.messages.get(id);
}

function addMessage(state: ThreadState, message: Message): ThreadState {
  const live = message.status === "streaming" ? put(state.live, message) : state.live;
  const next = { ...state, messages: put(state.messages, message), live };
  if (state.thread === null) return next;
  const isCounted = message.role === "user" || message.role === "assistant";
  const message_count = state.thread.message_count + (isCounted ? 1 : 0);
  const counted = touch(changeThread(next, { message_count, tip_message_id: message.id }), message.created_at);
  // The turn goes to a run with the message that it answers.
  if (message.run_id === null || message.role === "assistant") return counted;
  return forgetInput(changeThread(counted, { active_run_id: message.run_id }), message.run_id);
}

function supersede(state: ThreadState, id: string): ThreadState {
  const message = known(state, id);
  return message === undefined ? state : { ...state, live: put(state.live, { ...message, content: [] }) };
}

function complete(state: ThreadState, message: Message): ThreadState {
  const live = without(state.live, message.id);
  return touch({ ...state, messages: put(state.messages, message), live }, message.completed_at);
}

function write(state: ThreadState, id: string, number: number, change: (before: Block) => Block): ThreadState {
  const message = state.live.get(id);
  if (message === undefined) return state;
  const content = message.content.slice();
  // A block that has not come yet is an empty text, so that each one stands at its number.
  while (content.length <= number) content.push(NOTHING);
  content[number] = change(content[number] ?? NOTHING);
  return { ...state, live: put(state.live, { ...message, content }) };
}

const NOTHING: Block = { type: "text", text: "" };

function added(before: Block, kind: "text" | "reasoning" | "tool_input", text: string): Block {
  if (before.type === "text" && (kind === "text" || before.text === "")) return begun(kind, before.text + text);
  if (before.type === "reasoning" && kind === "reasoning" && before.signature == null) {
    return { ...before, text: before.text + text };
  }
  // The input of a tool that is still arriving is text, in a request without a name. What has come whole stays.
  if (before.type === "tool_use" && before.id === "") return { ...before, input: `${before.input}${text}` };
  return before;
}

function begun(kind: "text" | "reasoning" | "tool_input", text: string): Block {
  if (kind === "tool_input") return { type: "tool_use", id: "", name: "", input: text };
  return { type: kind, text };
}

// --- the thread ---

function changeThread(state: ThreadState, changed: Partial<Thread>): ThreadState {
  return state.thread === null ? state : { ...state, thread: { ...state.thread, ...changed } };
}

function touch(state: ThreadState, moment: string | null): ThreadState {
  const isLater = moment !== null && state.thread !== null && moment > state.thread.last_activity_at;
  return isLater ? changeThread(state, { last_activity_at: moment }) : state;
}

// --- runs ---

function queue(state: ThreadState, run: Run): ThreadState {
  // It stands where it says, whether it is new or was moved or rewritten; those behind it make room.
  const others = without(state.runs, run.id);
  const runs = run.position === null ? others : closeRanks(others, run.position);
  return { ...state, runs: put(runs, run) };
}

function endRun(state: ThreadState, run: Run): ThreadState {
  const next = { ...state, runs: closeRanks(without(state.runs, run.id)) };
  return state.thread?.active_run_id === run.id ? changeThread(next, { active_run_id: null }) : next;
}

function forgetInput(state: ThreadState, runId: string | null): ThreadState {
  const run = state.runs.get(runId ?? "");
  if (run === undefined) return state;
  return { ...state, runs: closeRanks(put(state.runs, { ...run, input: null, position: null })) };
}

function closeRanks(runs: ReadonlyMap<string, Run>, roomAt = Number.POSITIVE_INFINITY): ReadonlyMap<string, Run> {
  const waiting = [...runs.values()].filter((run) => run.position !== null).sort(byTurn);
  const closed = new Map(runs);
  for (const [place, run] of waiting.entries()) {
    const position = place + 1 < roomAt ? place + 1 : place + 2;
    if (run.position !== position) closed.set(run.id, { ...run, position });
  }
  return closed;
}

function byTurn(one: Run, other: Run): number {
  return (one.position ?? 0) - (other.position ?? 0) || (one.id < other.id ? -1 : 1);
}

// --- maps ---

function put<Value extends { readonly id: string }>(map: ReadonlyMap<string, Value>, value: Value): Map<string, Value> {
  return new Map(map).set(value.id, value);
}

function without<Value>(map: ReadonlyMap<string, Value>, id: string): Map<string, Value> {
  const left = new Map(map);
  left.delete(id);
  return left;
}

export function byId<Value extends { readonly id: string }>(values: readonly Value[]): Map<string, Value> {
  return new Map(values.map((value) => [value.id, value]));
}

// --- what one asks of a state ---

/** The active run, then the waiting ones in the order of their turns. */
export function runsOf(state: ThreadState): readonly Run[] {
  return [...state.runs.values()].sort(byTurn);
}

/** Who takes part, in the order of their coming. */
export function membersOf(state: ThreadState): readonly Member[] {
  return [...state.members.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
}

/**
 * The active branch, oldest first, the message in progress with its text so far.
 *
 * It reaches as far back as is known: the first one may have a parent, which pages of history have.
 */
export function messagesOf(state: ThreadState): readonly Message[] {
  const branch = settledBranch(state.messages, state.thread?.tip_message_id ?? null);
  if (state.live.size === 0) return branch;
  return branch.map((message) => state.live.get(message.id) ?? message);
}

/** The messages that have the same parent as this one, itself among them, in the order of the log. */
export function siblingsOf(state: ThreadState, messageId: string): readonly Message[] {
  const parent = state.messages.get(messageId)?.parent_id;
  const beside = parent === undefined ? [] : (childrenOf(state.messages).get(parent) ?? []);
  return beside.map((message) => state.live.get(message.id) ?? message);
}

type Families = ReadonlyMap<string | null, readonly Message[]>;

const childrenOf = once((messages: ReadonlyMap<string, Message>): Families => {
  const found = new Map<string | null, Message[]>();
  for (const message of [...messages.values()].sort((one, other) => (one.seq ?? 0) - (other.seq ?? 0))) {
    const beside = found.get(message.parent_id);
    if (beside === undefined) found.set(message.parent_id, [message]);
    else beside.push(message);
  }
  return found;
});

/** Every message that was heard of, on whatever branch, in the order of hearing. */
export function knownOf(state: ThreadState): readonly Message[] {
  return [...state.messages.values()].map((message) => state.live.get(message.id) ?? message);
}

// The messages of a thread change rarely, its tokens often: the way from the tip to the beginning is looked up once.
const branches = new WeakMap<ReadonlyMap<string, Message>, { tip: string | null; branch: readonly Message[] }>();

function settledBranch(messages: ReadonlyMap<string, Message>, tip: string | null): readonly Message[] {
  const found = branches.get(messages);
  if (found !== undefined && found.tip === tip) return found.branch;
  const branch: Message[] = [];
  let at = tip === null ? undefined : messages.get(tip);
  while (at !== undefined) {
    branch.push(at);
    at = at.parent_id === null ? undefined : messages.get(at.parent_id);
  }
  branch.reverse();
  branches.set(messages, { tip, branch });
  return branch;
}
