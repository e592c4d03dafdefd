// What a run has taken, where it ended: each attempt with its times, its tokens, and why it ended.

import type { Ended as EndedPart } from "@threadline/client";
import { strings } from "../../strings.operator.ts";
import { Status } from "../kit/badge.tsx";
import { costOf, countOf, durationOf, secondsBetween } from "../kit/format.ts";
import { Time } from "../kit/time.tsx";

const words = strings.audit;

type Props = Pick<EndedPart, "costs" | "run">;

export function Ended({ run, costs }: Props) {
  const costAt = (attempt: number) => costs.find((spent) => spent.attempt === attempt)?.cost_usd ?? null;
  return (
    <li className="kept-whole -mt-2 grid gap-1 px-4 text-xs text-soft">
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
            <span>{words.costs(costOf(costAt(attempt.attempt)))}</span>
            {attempt.error !== null && <span>{attempt.error.code}</span>}
          </li>
        ))}
      </ul>
    </li>
  );
}
