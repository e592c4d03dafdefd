// Records as the server would make them.

import { readFileSync } from "node:fs";
import type { Message, Run, Thread } from "../src/types.ts";

const CASE = new URL("../../../tests/cases/fold/one-answer.json", import.meta.url);
const { state } = JSON.parse(readFileSync(CASE, "utf8")).steps.at(-1) as {
  state: { thread: Thread; messages: Message[] };
};
const [{ events }] = JSON.parse(readFileSync(CASE, "utf8")).steps as [{ events: { type: string; run: Run }[] }];

export function threadOf(id: string, changed: Partial<Thread> = {}): Thread {
  return { ...state.thread, id, ...changed };
}

export function messageOf(id: string, text: string, changed: Partial<Message> = {}): Message {
  const [message] = state.messages;
  if (message === undefined) throw new Error("the case has a message");
  return {
    ...message,
    id,
    content: [{ type: "text", text }],
    parent_id: null,
    run_id: null,
    request_id: null,
    ...changed,
  };
}

export function runOf(id: string, changed: Partial<Run> = {}): Run {
  const queued = events.find((event) => event.type === "run.queued");
  if (queued === undefined) throw new Error("the case has a run");
  return { ...queued.run, id, input: null, position: null, ...changed };
}
