// What the list shows, row by row: conversations under the names of their times. Pure.

import type { ListedThread } from "@threadline/client";

export type GroupName = "pinned" | "today" | "yesterday" | "week" | "older";

export type Row =
  | { readonly kind: "group"; readonly key: GroupName }
  | { readonly kind: "thread"; readonly key: string; readonly thread: ListedThread };

const DAY_MS = 24 * 60 * 60 * 1000;
const GROUPS: readonly GroupName[] = ["pinned", "today", "yesterday", "week", "older"];

function dayOf(time: Date): number {
  // In UTC all days are equally long; the date is the one that this person's clock shows.
  return Date.UTC(time.getFullYear(), time.getMonth(), time.getDate()) / DAY_MS;
}

/** The group of a thread for somebody whose clock shows `now`. What is ahead of that clock is of today. */
export function groupOf(thread: ListedThread, now: Date): GroupName {
  if (thread.pinned) return "pinned";
  const daysAgo = dayOf(now) - dayOf(new Date(thread.last_activity_at));
  if (daysAgo <= 0) return "today";
  if (daysAgo === 1) return "yesterday";
  return daysAgo <= 7 ? "week" : "older";
}

/** Threads under the names of their groups; within a group they keep their order. */
export function groupedRows(threads: readonly ListedThread[], now: Date): readonly Row[] {
  const byGroup = new Map<GroupName, Row[]>(GROUPS.map((key) => [key, []]));
  for (const thread of threads) byGroup.get(groupOf(thread, now))?.push(rowOf(thread));
  return [...byGroup].flatMap(([key, rows]) => (rows.length === 0 ? [] : [{ kind: "group", key } as const, ...rows]));
}

export function rowOf(thread: ListedThread): Row {
  return { kind: "thread", key: thread.id, thread };
}

/**
 * The order that is kept while somebody points at the list: what comes waits, but for what was read on behind the end.
 * What is gone keeps its place, for the case that it comes back.
 */
export function orderHeld(before: readonly string[], now: readonly string[]): readonly string[] {
  const known = new Set(before);
  const end = now.findLastIndex((id) => known.has(id));
  return [...before, ...now.slice(end + 1).filter((id) => !known.has(id))];
}

/** Threads in this order, without those that it does not name. */
export function held(threads: readonly ListedThread[], order: readonly string[]): readonly ListedThread[] {
  const byId = new Map(threads.map((thread) => [thread.id, thread]));
  return order.flatMap((id) => byId.get(id) ?? []);
}

/** Whether a thread is what somebody looks for. */
export function isSought(thread: ListedThread, text: string): boolean {
  return (thread.title ?? "").toLowerCase().includes(text.toLowerCase());
}
