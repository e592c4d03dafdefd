// What goes on becomes series by minute. Pure.

import type { Live } from "@threadline/client";
import { COLOURS, REST, type Series } from "../charts/plot.ts";

type Minute = Live["history"][number];

export function seriesBy(
  history: readonly Minute[],
  name: string,
  of: (minute: Minute) => number | null,
  place = 0,
): Series {
  return { name, colour: COLOURS[place] ?? REST, values: history.map(of), isDashed: place === 1 };
}

export interface Failure {
  readonly provider: string;
  readonly code: string;
  readonly count: number;
}

/** What has failed in all of these minutes, the most frequent first. */
export function failuresOf(history: readonly Minute[]): Failure[] {
  const found = new Map<string, Failure>();
  for (const minute of history) {
    for (const [provider, codes] of Object.entries(minute.failures_by_provider)) {
      for (const [code, count] of Object.entries(codes)) {
        const name = JSON.stringify([provider, code]);
        found.set(name, { provider, code, count: count + (found.get(name)?.count ?? 0) });
      }
    }
  }
  return [...found.values()].sort((one, other) => other.count - one.count);
}

/** A series for each provider that something has failed at. */
export function failureSeries(history: readonly Minute[]): Series[] {
  const providers = [...new Set(failuresOf(history).map((failure) => failure.provider))];
  const countOf = (minute: Minute, provider: string) =>
    Object.values(minute.failures_by_provider[provider] ?? {}).reduce((sum, count) => sum + count, 0);
  return providers.map((provider, place) => ({
    name: provider,
    colour: COLOURS[place] ?? REST,
    values: history.map((minute) => countOf(minute, provider)),
  }));
}
