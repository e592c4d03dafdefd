// The audit report of a thread, read to its end.

import type { Audit, Thread } from "@threadline/client";
import type { Operator } from "../api.ts";
import { sumOf } from "../kit/decimal.ts";

export type Part = Audit["data"][number];
export type Sums = Audit["sums"];

export interface Report {
  readonly thread: Thread;
  readonly parts: readonly Part[];
  readonly sums: Sums;
}

/** The sums of all pages. */
export function summed(pages: readonly Sums[]): Sums {
  const of = (count: (sums: Sums) => number) => pages.reduce((sum, page) => sum + count(page), 0);
  return {
    runs: of((page) => page.runs),
    attempts: of((page) => page.attempts),
    known: of((page) => page.known),
    input_tokens: of((page) => page.input_tokens),
    output_tokens: of((page) => page.output_tokens),
    cost_usd: sumOf(pages.flatMap((page) => (page.cost_usd === null ? [] : [page.cost_usd]))),
    tool_calls: of((page) => page.tool_calls),
    failed_tool_calls: of((page) => page.failed_tool_calls),
  };
}

/** Whether the cost of every attempt is known. */
export function isWhole(parts: readonly Part[]): boolean {
  return parts.every((part) => part.type !== "ended" || part.costs.every((spent) => spent.cost_usd !== null));
}

export async function readReport({ call }: Operator, threadId: string, signal: AbortSignal): Promise<Report> {
  const pages: Audit[] = [];
  for (let cursor: string | null = null, isMore = true; isMore; ) {
    const query = { limit: 200, cursor };
    const page: Audit = await call("GET /v1/threads/{thread_id}/audit", {
      path: { thread_id: threadId },
      query,
      signal,
    });
    pages.push(page);
    isMore = page.has_more;
    cursor = page.next_cursor;
  }
  const [first] = pages;
  if (first === undefined) throw new Error("There is a first page.");
  return {
    thread: first.thread,
    parts: pages.flatMap((page) => page.data),
    sums: summed(pages.map((page) => page.sums)),
  };
}
