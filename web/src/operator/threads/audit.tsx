// The audit report of a thread: who said what, what was called, who agreed to it, what it gave, what it all cost.

import { ArrowLeft, Printer } from "lucide-react";
import { useCallback } from "react";
import { follow } from "../../shell/address.ts";
import { strings } from "../../strings.operator.ts";
import { Button } from "../../ui/button.tsx";
import { useOperator } from "../api.ts";
import { useAsked } from "../kit/asked.ts";
import { countOf } from "../kit/format.ts";
import { Page } from "../kit/page.tsx";
import { Answered } from "../kit/states.tsx";
import { Time } from "../kit/time.tsx";
import { operatorPath } from "../place.ts";
import { Cost } from "../usage/cost.tsx";
import { Ended } from "./attempts.tsx";
import { Entry } from "./entry.tsx";
import { isWhole, type Report, readReport } from "./report.ts";

const words = strings.audit;

export function AuditPage({ threadId }: { readonly threadId: string }) {
  const operator = useOperator();
  const ask = useCallback((signal: AbortSignal) => readReport(operator, threadId, signal), [operator, threadId]);
  const answer = useAsked(ask);
  const title = answer.value?.thread.title ?? strings.threads.untitled;
  return (
    <Page
      title={title}
      about={
        <>
          {words.about} <code className="font-mono text-xs">{threadId}</code>
        </>
      }
      actions={
        <>
          <a
            href={operatorPath("threads")}
            onClick={follow}
            className="inline-flex min-h-9 items-center gap-2 rounded-lg px-3 text-sm hover:bg-line/60"
          >
            <ArrowLeft aria-hidden className="size-4 rtl:rotate-180" />
            {words.all}
          </a>
          <Button disabled={answer.value === null} onClick={() => print()}>
            <Printer aria-hidden className="size-4" />
            {words.print}
          </Button>
        </>
      }
    >
      <Answered answer={answer} lines={8}>
        {(report) => (
          <div className="grid gap-6" aria-busy={answer.isLoading}>
            <Facts report={report} />
            <ol aria-label={words.report} className="grid gap-5">
              {report.parts.map((part) =>
                part.type === "ended" ? (
                  <Ended key={part.seq} run={part.run} costs={part.costs} />
                ) : (
                  <Entry key={part.seq} message={part.message} calls={part.type === "answered" ? part.calls : []} />
                ),
              )}
            </ol>
            {report.thread.active_run_id !== null && <p className="text-sm text-soft">{words.goesOn}</p>}
          </div>
        )}
      </Answered>
    </Page>
  );
}

function Facts({ report: { thread, parts, sums } }: { readonly report: Report }) {
  const cost = { costUsd: sums.cost_usd, isWhole: isWhole(parts) };
  const facts = [
    { name: words.person, value: thread.end_user_id ?? strings.none },
    { name: words.began, value: <Time at={thread.created_at} isExact /> },
    { name: words.attempts, value: words.attemptsOf(sums.attempts, sums.attempts - sums.known) },
    { name: words.tokens, value: words.tokensOf(countOf(sums.input_tokens), countOf(sums.output_tokens)) },
    { name: words.cost, value: <Cost sum={cost} /> },
    { name: words.calls, value: words.callsOf(sums.tool_calls, sums.failed_tool_calls) },
  ];
  return (
    <dl className="kept-whole grid grid-cols-2 gap-px overflow-hidden rounded-2xl border border-line bg-line md:grid-cols-3">
      {facts.map(({ name, value }) => (
        <div key={name} className="min-w-0 bg-ground px-4 py-3">
          <dt className="text-xs text-soft">{name}</dt>
          <dd dir="auto" className="font-medium wrap-anywhere">
            {value}
          </dd>
        </div>
      ))}
    </dl>
  );
}
