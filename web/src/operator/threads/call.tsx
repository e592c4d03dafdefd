// One call of a tool: what it was given, who agreed, what it gave, and when.

import type { Json, ToolCall } from "@threadline/client";
import { Wrench } from "lucide-react";
import { strings } from "../../strings.operator.ts";
import { Status } from "../kit/badge.tsx";
import { durationOf, secondsBetween } from "../kit/format.ts";
import { Time } from "../kit/time.tsx";

const words = strings.audit;

export function Call({ call }: { readonly call: ToolCall }) {
  const decider = call.decided_by?.name ?? call.decided_by?.id ?? strings.unknown;
  return (
    <section
      aria-label={words.call(call.name)}
      className="kept-whole grid gap-3 rounded-xl border border-line p-3 text-sm"
    >
      <h3 className="flex flex-wrap items-center gap-2">
        <Wrench aria-hidden className="size-4 text-soft" />
        <span className="font-semibold">{call.name}</span>
        <span className="text-soft">{call.kind ?? words.noSuchTool}</span>
        <Status status={call.status} />
      </h3>
      <dl className="grid gap-3 md:grid-cols-2">
        <Value name={words.input} value={call.input} />
        <Value
          name={call.is_error === true ? words.error : words.output}
          value={call.output}
          isMissing={call.ended_at === null}
        />
      </dl>
      <p className="flex flex-wrap gap-x-4 gap-y-1 text-xs text-soft">
        <span>
          {words.asked} <Time at={call.requested_at} isExact />
        </span>
        {call.decided_at !== null && (
          <span dir="auto" className={call.is_approved ? "text-good" : "text-bad"}>
            {call.is_approved ? words.approved(decider) : words.refused(decider)} <Time at={call.decided_at} isExact />
            {call.reason !== null && call.reason !== "" && ` · ${call.reason}`}
          </span>
        )}
        {call.started_at !== null && (
          <span>
            {words.took(durationOf(secondsBetween(call.started_at, call.ended_at, Date.now())))}
            {call.attempt > 1 && ` · ${words.tries(call.attempt)}`}
          </span>
        )}
        <span>
          {words.key} <code className="font-mono">{call.id}</code>
        </span>
      </p>
    </section>
  );
}

interface ValueProps {
  readonly name: string;
  readonly value: Json;
  readonly isMissing?: boolean;
}

function Value({ name, value, isMissing = false }: ValueProps) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return (
    <div className="grid min-w-0 content-start gap-1">
      <dt className="text-xs text-soft">{name}</dt>
      <dd>
        <pre
          dir="auto"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached with the keyboard
          tabIndex={0}
          className="max-h-80 overflow-auto whitespace-pre-wrap rounded-lg bg-raised px-3 py-2 font-mono text-xs wrap-anywhere print:max-h-none"
        >
          {isMissing ? words.nothingYet : text}
        </pre>
      </dd>
    </div>
  );
}
