// A word about how something is. The colour only repeats it.

import { clsx } from "clsx";
import type { ReactNode } from "react";

const TONES = {
  plain: "border-line text-soft",
  good: "border-good/40 bg-good/10 text-good",
  bad: "border-bad/40 bg-bad/10 text-bad",
  busy: "border-accent/40 bg-accent/10 text-accent",
} as const;

export type Tone = keyof typeof TONES;

export function Badge({ tone = "plain", children }: { readonly tone?: Tone; readonly children: ReactNode }) {
  return (
    <span
      className={clsx("inline-flex items-center whitespace-nowrap rounded-full border px-2 py-px text-xs", TONES[tone])}
    >
      {children}
    </span>
  );
}

const OF_RUNS: Readonly<Record<string, Tone>> = {
  running: "busy",
  queued: "plain",
  waiting: "plain",
  completed: "good",
  complete: "good",
  succeeded: "good",
  failed: "bad",
  expired: "bad",
};

/** How a run, a message or a call is. */
export function Status({ status }: { readonly status: string }) {
  return <Badge tone={OF_RUNS[status] ?? "plain"}>{status}</Badge>;
}
