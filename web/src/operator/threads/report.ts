// What an audit report is made of: the messages of a branch, the runs that made them, and what those called.

import type { Message, Run, SeenThread, ToolCall } from "@threadline/client";
import type { Operator } from "../api.ts";

export interface Report {
  readonly thread: SeenThread;
  readonly messages: readonly Message[];
  readonly runs: ReadonlyMap<string, Run>;
  readonly calls: ReadonlyMap<string, readonly ToolCall[]>;
}

export interface Tokens {
  readonly attempts: number;
  /** Of how many attempts nobody has counted the tokens. */
  readonly unknown: number;
  readonly read: number;
  readonly written: number;
}

const PAGE = 200;
// So many runs are asked for at a time: a long thread has thousands.
const ABREAST = 6;

interface Paged<Item> {
  readonly data: readonly Item[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

async function all<Item>(ask: (cursor: string | null) => Promise<Paged<Item>>): Promise<Item[]> {
  const found: Item[] = [];
  let cursor: string | null = null;
  do {
    const page: Paged<Item> = await ask(cursor);
    found.push(...page.data);
    cursor = page.has_more ? page.next_cursor : null;
  } while (cursor !== null);
  return found;
}

async function runsOf(operator: Operator, ids: readonly string[], signal: AbortSignal): Promise<Map<string, Run>> {
  const runs = new Map<string, Run>();
  const left = [...ids];
  const work = async () => {
    for (let id = left.shift(); id !== undefined; id = left.shift()) {
      runs.set(id, await operator.call("GET /v1/runs/{run_id}", { path: { run_id: id }, signal }));
    }
  };
  await Promise.all(Array.from({ length: ABREAST }, work));
  return runs;
}

/** Read everything of the branch that ends with `leaf`; of the active one without it. */
export async function readReport(
  operator: Operator,
  threadId: string,
  leaf: string | null,
  signal: AbortSignal,
): Promise<Report> {
  const path = { thread_id: threadId };
  const [thread, messages, calls] = await Promise.all([
    operator.call("GET /v1/threads/{thread_id}", { path, signal }),
    all((cursor) => {
      const query = { order: "asc", view: "audit", limit: PAGE, leaf, cursor } as const;
      return operator.call("GET /v1/threads/{thread_id}/messages", { path, query, signal });
    }),
    all((cursor) =>
      operator.call("GET /v1/threads/{thread_id}/tool_calls", { path, query: { limit: PAGE, cursor }, signal }),
    ),
  ]);
  const ids = new Set(messages.flatMap((message) => (message.run_id === null ? [] : [message.run_id])));
  const byMessage = new Map<string, ToolCall[]>();
  for (const call of calls) byMessage.set(call.message_id, [...(byMessage.get(call.message_id) ?? []), call]);
  return { thread, messages, runs: await runsOf(operator, [...ids], signal), calls: byMessage };
}

/** What all attempts of these runs have read and written, as far as it is known. */
export function tokensOf(runs: Iterable<Run>): Tokens {
  const attempts = [...runs].flatMap((run) => run.attempts);
  const known = attempts.flatMap((attempt) => (attempt.usage === null ? [] : [attempt.usage]));
  return {
    attempts: attempts.length,
    unknown: attempts.length - known.length,
    read: known.reduce((sum, usage) => sum + (usage.input_tokens ?? 0), 0),
    written: known.reduce((sum, usage) => sum + (usage.output_tokens ?? 0), 0),
  };
}
