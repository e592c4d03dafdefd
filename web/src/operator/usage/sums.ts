// Lines of the usage become sums and series. Pure. What is not known is null, and in no sum.

import type { UsageLine } from "@threadline/client";
import { COLOURS, REST, type Series } from "../charts/plot.ts";
import { sumOf } from "../kit/decimal.ts";

export const METRICS = ["cost", "tokens", "attempts"] as const;
export type Metric = (typeof METRICS)[number];

/** What attempts have cost. `isWhole` says that the cost of each of them is known. */
export interface Sum {
  readonly attempts: number;
  readonly known: number;
  readonly input: number | null;
  readonly output: number | null;
  readonly cached: number | null;
  readonly reasoning: number | null;
  readonly costUsd: string | null;
  readonly isWhole: boolean;
}

export interface Group extends Sum {
  readonly key: string | null;
  readonly models: readonly string[];
}

function added(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
}

export function totalOf(lines: readonly UsageLine[]): Sum {
  return {
    attempts: lines.reduce((sum, line) => sum + line.attempts, 0),
    known: lines.reduce((sum, line) => sum + line.known, 0),
    input: added(lines.map((line) => line.input_tokens)),
    output: added(lines.map((line) => line.output_tokens)),
    cached: added(lines.map((line) => line.cached_input_tokens)),
    reasoning: added(lines.map((line) => line.reasoning_tokens)),
    costUsd: sumOf(lines.flatMap((line) => (line.cost_usd === null ? [] : [line.cost_usd]))),
    isWhole: lines.every((line) => line.cost_usd !== null && line.known === line.attempts),
  };
}

/** One sum for each value of what was asked by, over all models. */
export function groupsOf(lines: readonly UsageLine[]): Group[] {
  const found = new Map<string | null, UsageLine[]>();
  for (const line of lines) found.set(line.key, [...(found.get(line.key) ?? []), line]);
  return [...found].map(([key, own]) => ({
    key,
    models: [...new Set(own.map((line) => line.model))],
    ...totalOf(own),
  }));
}

export function valueIn(line: UsageLine, metric: Metric): number | null {
  if (metric === "attempts") return line.attempts;
  if (metric === "cost") return line.cost_usd === null ? null : Number(line.cost_usd);
  return added([line.input_tokens, line.output_tokens]);
}

/** All days from `since` up to `until`, which does not count. */
export function daysBetween(since: string, until: string): string[] {
  const days: string[] = [];
  for (let at = Date.parse(`${since}T00:00:00Z`); at < Date.parse(`${until}T00:00:00Z`); at += 86_400_000) {
    days.push(new Date(at).toISOString().slice(0, 10));
  }
  return days;
}

/** A day so many days from another one. */
export function dayAfter(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

/** One series for each of the models with the most, and one for all others, of lines that were asked for by day. */
export function seriesOf(lines: readonly UsageLine[], days: readonly string[], metric: Metric, rest: string): Series[] {
  const sums = new Map<string, number>();
  for (const line of lines) {
    const value = valueIn(line, metric);
    if (value !== null) sums.set(line.model, (sums.get(line.model) ?? 0) + value);
  }
  const models = [...sums].sort((one, other) => other[1] - one[1]).map(([model]) => model);
  const shown = models.length > COLOURS.length ? models.slice(0, COLOURS.length - 1) : models;
  const of = (own: (line: UsageLine) => boolean) =>
    days.map((day) =>
      added(lines.filter((line) => line.key === day && own(line)).map((line) => valueIn(line, metric))),
    );
  const series: Series[] = shown.map((model, place) => ({
    name: model,
    colour: COLOURS[place] ?? REST,
    values: of((line) => line.model === model),
  }));
  if (shown.length === models.length) return series;
  return [...series, { name: rest, colour: REST, values: of((line) => !shown.includes(line.model)) }];
}
