// What a screen shows of a thread: what the log has, what waits for its turn, and what is still to be sent. Pure.

import { messagesOf, runsOf, type ThreadState } from "./fold.ts";
import { once } from "./known.ts";
import type { Pending } from "./outbox.ts";
import type { Message, Run } from "./types.ts";

/**
 * - `stored`: it stands in the thread. `queued`: the server has it, and its turn comes.
 * - `pending`: it is safe on this device, and on its way.
 */
export type Delivery = "stored" | "queued" | "pending";

/** A message, or what is known of one that the server does not have yet. */
export type ShownMessage = Partial<Message> &
  Pick<
    Message,
    "id" | "role" | "author" | "content" | "status" | "parent_id" | "request_id" | "metadata" | "created_at"
  >;

/** A line of the conversation. Its `key` stays the same from the moment somebody has sent it. */
export interface Shown {
  readonly key: string;
  readonly message: ShownMessage;
  readonly delivery: Delivery;
  /** The run that waits, for who wants to rewrite, move or withdraw it. */
  readonly run: Run | null;
}

/** All lines, oldest first. What was refused is not among them: see `refusedOf`. */
export function shownOf(state: ThreadState, pending: readonly Pending[]): readonly Shown[] {
  const stored = messagesOf(state);
  const queued = runsOf(state).filter((run) => run.input !== null && run.position !== null);
  const coming = pending.filter((one) => one.status !== "failed" && !isKnown(state, one));
  const lines = upTo(stored, coming).map(storedLine);
  for (const run of queued) if (run.input !== null) lines.push(line(run.input, "queued", run));
  for (const one of coming) lines.push(line(messageOf(one), "pending", null));
  return lines;
}

/** Whether the thread has what was sent: under its key, or as the message that it was joined with. */
export function isKnown(state: ThreadState, { key, message_id }: Pending): boolean {
  if (keysOfMessages(state.messages).has(key) || state.messages.has(message_id ?? "")) return true;
  return [...state.runs.values()].some(({ input }) => input && (input.request_id === key || input.id === message_id));
}

const keysOfMessages = once((messages: ReadonlyMap<string, Message>): ReadonlySet<string | null> => {
  return new Set([...messages.values()].map((message) => message.request_id));
});

// A question that is put otherwise takes the place of the earlier one, and of all that came of it.
function upTo(stored: readonly Message[], coming: readonly Pending[]): readonly Message[] {
  const replaced = coming.map((one) => stored.findIndex((message) => message.id === one.body.edit_of));
  const first = replaced.find((place) => place >= 0);
  return first === undefined ? stored : stored.slice(0, first);
}

// A line is made once for a message, so that a list sees by identity what has changed.
const storedLine = once((message: Message) => line(message, "stored", null));

function line(message: ShownMessage, delivery: Delivery, run: Run | null): Shown {
  const isOwn = message.role === "user" && message.request_id !== null;
  return { key: isOwn ? message.request_id : message.id, message, delivery, run };
}

function messageOf({ key, thread_id, body, created_at }: Pending): ShownMessage {
  return {
    id: key,
    thread_id,
    parent_id: null,
    role: "user",
    author: { type: "user", id: null },
    content: typeof body.content === "string" ? [{ type: "text", text: body.content }] : body.content,
    status: "complete",
    request_id: key,
    metadata: body.metadata ?? {},
    created_at,
  };
}
