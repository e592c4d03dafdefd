// Lines of the usage as they are named, and as they leave for a spreadsheet. Pure.

import type { UsageLine } from "@threadline/client";
import { strings } from "../../strings.operator.ts";
import { csvOf } from "../kit/csv.ts";
import type { By } from "./filters.tsx";

/** How a value that was asked by is called. */
export function nameOf(by: By, key: string | null, tenants: ReadonlyMap<string, string>): string {
  if (key === null) return strings.usage.nobody;
  return by === "tenant" ? (tenants.get(key) ?? key) : key;
}

/** One line for each value and model, with all that the server says. */
export function csvOfLines(by: By, lines: readonly UsageLine[], tenants: ReadonlyMap<string, string>): string {
  const isOwn = by === "model";
  const head = [
    ...(isOwn ? [] : [by]),
    "model",
    "attempts",
    "known",
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "reasoning_tokens",
    "cost_usd",
  ];
  const cells = lines.map((line) => [
    ...(isOwn ? [] : [line.key === null ? null : nameOf(by, line.key, tenants)]),
    line.model,
    line.attempts,
    line.known,
    line.input_tokens,
    line.output_tokens,
    line.cached_input_tokens,
    line.reasoning_tokens,
    line.cost_usd,
  ]);
  return csvOf(head, cells);
}
