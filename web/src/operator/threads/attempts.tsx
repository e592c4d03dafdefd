// What making an answer has taken: each attempt with its times, its tokens, and why it ended.

import type { Run } from "@threadline/client";
import { strings } from "../../strings.operator.ts";
import { Status } from "../kit/badge.tsx";
import { countOf, durationOf, secondsBetween } from "../kit/format.ts";
import { Time } from "../kit/time.tsx";

const words = strings.audit;

export function Attempts({ run }: { readonly run: Run }) {
  return (
    <footer className="grid gap-1 border-t border-line pt-2 text-xs text-soft">
      <p className="flex flex-wrap items-center gap-2">
        <Status status={run.status} />
        <span>{run.model}</span>
        <code className="font-mono">{run.id}</code>
        {run.error !== null && <span className="text-bad">{`${run.error.code}: ${run.error.message}`}</span>}
      </p>
      <ul className="grid gap-0.5">
        {run.attempts.map((attempt) => (
          <li key={attempt.attempt} className="flex flex-wrap gap-x-3">
            <span className="font-medium">{words.attempt(attempt.attempt)}</span>
            <Time at={attempt.started_at} isExact />
            <span>
              {attempt.ended_at === null
                ? words.runs
                : durationOf(secondsBetween(attempt.started_at, attempt.ended_at, 0))}
            </span>
            <span>
              {attempt.usage === null
                ? words.tokensUnknown
                : words.tokensOf(countOf(attempt.usage.input_tokens), countOf(attempt.usage.output_tokens))}
            </span>
            {attempt.error !== null && <span>{attempt.error.code}</span>}
          </li>
        ))}
      </ul>
    </footer>
  );
}
