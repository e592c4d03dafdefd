// What has changed from one version of an agent to the next. Pure.

import type { Agent } from "@threadline/client";

const FIELDS = [
  "handle",
  "name",
  "description",
  "avatar",
  "model",
  "instructions",
  "parameters",
  "tools",
  "tools_mode",
  "owner",
  "visibility",
  "team_id",
  "archived",
  "metadata",
] as const;

export interface Line {
  readonly kind: "added" | "kept" | "removed";
  readonly text: string;
}

export interface Change {
  readonly field: (typeof FIELDS)[number];
  readonly lines: readonly Line[];
}

// Longer texts are shown as one piece out and one in: finding what they share takes the square of their lines.
const LINES_MAX = 800;

// What is not set says nothing.
function textOf(value: unknown): string {
  if (value === null || value === undefined || value === false) return "";
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.join("\n");
  const isEmpty = typeof value === "object" && Object.values(value).every((one) => one === null);
  return isEmpty ? "" : JSON.stringify(value, null, 2);
}

/** The lines of two texts, with what they share kept in place: the longest common subsequence. */
export function linesBetween(before: string, after: string): Line[] {
  const [old, now] = [before, after].map((text) => (text === "" ? [] : text.split("\n"))) as [string[], string[]];
  const out = (lines: string[], kind: Line["kind"]) => lines.map((text): Line => ({ kind, text }));
  if (old.length > LINES_MAX || now.length > LINES_MAX) return [...out(old, "removed"), ...out(now, "added")];
  const shared = commonOf(old, now);
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  for (const [inOld, inNow] of [...shared, [old.length, now.length] as const]) {
    lines.push(...out(old.slice(i, inOld), "removed"), ...out(now.slice(j, inNow), "added"));
    if (inOld < old.length) lines.push({ kind: "kept", text: old[inOld] ?? "" });
    [i, j] = [inOld + 1, inNow + 1];
  }
  return lines;
}

/** The places of lines that both have, in order. */
function commonOf(old: readonly string[], now: readonly string[]): [number, number][] {
  const width = now.length + 1;
  const lengths = new Uint32Array((old.length + 1) * width);
  const at = (i: number, j: number) => lengths[i * width + j] ?? 0;
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      lengths[i * width + j] = old[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const found: [number, number][] = [];
  let [i, j] = [0, 0];
  while (i < old.length && j < now.length) {
    if (old[i] === now[j]) found.push([i++, j++]);
    else if (at(i + 1, j) >= at(i, j + 1)) i++;
    else j++;
  }
  return found;
}

/** The fields that differ, line by line; everything that is there for a first version. */
export function changesBetween(before: Agent | null, after: Agent): Change[] {
  return FIELDS.flatMap((field) => {
    const [old, now] = [before === null ? "" : textOf(before[field]), textOf(after[field])];
    return old === now ? [] : [{ field, lines: linesBetween(old, now) }];
  });
}
