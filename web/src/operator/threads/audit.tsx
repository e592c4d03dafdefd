// The audit report of a thread: who said what, what was called, who agreed to it, what it gave, what it all cost.

import { ArrowLeft, Printer } from "lucide-react";
import { useCallback, useState } from "react";
import { follow } from "../../shell/address.ts";
import { strings } from "../../strings.operator.ts";
import { Button } from "../../ui/button.tsx";
import { useOperator } from "../api.ts";
import { useAsked } from "../kit/asked.ts";
import { countOf, exactTimeOf } from "../kit/format.ts";
import { Page } from "../kit/page.tsx";
import { Answered } from "../kit/states.tsx";
import { operatorPath } from "../place.ts";
import { Branches } from "./branches.tsx";
import { Entry } from "./entry.tsx";
import { type Report, readReport, tokensOf } from "./report.ts";

const words = strings.audit;

export function AuditPage({ threadId }: { readonly threadId: string }) {
  const operator = useOperator();
  const [leaf, setLeaf] = useState<string | null>(null);
  const ask = useCallback(
    (signal: AbortSignal) => readReport(operator, threadId, leaf, signal),
    [operator, threadId, leaf],
  );
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
      <Branches threadId={threadId} leaf={leaf} onChoose={setLeaf} />
      <Answered answer={answer} lines={8}>
        {(report) => (
          <div className="grid gap-6" aria-busy={answer.isLoading}>
            <Facts report={report} />
            <ol aria-label={words.report} className="grid gap-5">
              {report.messages.map((message) => (
                <Entry
                  key={message.id}
                  message={message}
                  run={message.run_id === null ? null : (report.runs.get(message.run_id) ?? null)}
                  calls={report.calls.get(message.id) ?? []}
                />
              ))}
            </ol>
          </div>
        )}
      </Answered>
    </Page>
  );
}

function Facts({ report: { thread, messages, runs, calls } }: { readonly report: Report }) {
  const tokens = tokensOf(runs.values());
  const called = [...calls.values()].flat();
  const failed = called.filter((call) => call.is_error === true).length;
  const facts = [
    { name: words.person, value: thread.end_user_id ?? strings.none },
    { name: words.began, value: exactTimeOf(thread.created_at) },
    { name: words.messages, value: countOf(messages.length) },
    { name: words.attempts, value: words.attemptsOf(tokens.attempts, tokens.unknown) },
    { name: words.tokens, value: words.tokensOf(countOf(tokens.read), countOf(tokens.written)) },
    { name: words.calls, value: words.callsOf(called.length, failed) },
  ];
  return (
    <dl className="kept-whole grid grid-cols-2 gap-px overflow-hidden rounded-2xl border border-line bg-line md:grid-cols-3">
      {facts.map(({ name, value }) => (
        <div key={name} className="min-w-0 bg-ground px-4 py-3">
          <dt className="text-xs text-soft">{name}</dt>
          <dd dir="auto" className="truncate font-medium">
            {value}
          </dd>
        </div>
      ))}
    </dl>
  );
}
