// A tool call, as a card: folded, unless somebody has to decide about it.

import type { Run, ShownMessage, ToolUseBlock } from "@threadline/client";
import { Check, CircleAlert, CircleHelp, LoaderCircle, Wrench } from "lucide-react";
import { strings } from "../strings.ts";
import { Approval } from "./approval.tsx";
import { type CallStatus, callOf } from "./calls.ts";
import { spanOf } from "./span.ts";
import { prettyOf, secondsOf } from "./words.ts";

interface Props {
  readonly call: ToolUseBlock;
  readonly message: ShownMessage;
  readonly run: Run | null;
}

const ICONS = {
  arriving: LoaderCircle,
  asks: CircleHelp,
  client: LoaderCircle,
  running: LoaderCircle,
  done: Check,
  failed: CircleAlert,
  lost: CircleAlert,
} as const satisfies Record<CallStatus, unknown>;

export function ToolCall({ call, message, run }: Props) {
  const { status, result } = callOf(call, message, run);
  // How long somebody takes to decide is not its time.
  const ms = status === "asks" ? null : spanOf(`${message.id} ${call.id}`, status === "running");
  const name = call.name === "" ? strings.chat.tool : call.name;
  const Icon = ICONS[status];
  return (
    <section aria-label={strings.chat.callOf(name)} className="call" data-status={status}>
      <details open={status === "asks" ? true : undefined}>
        <summary>
          <Wrench aria-hidden />
          <bdi>{name}</bdi>
          <span className="soft">
            <Icon aria-hidden /> {strings.chat.calls[status]}
            {ms !== null && ` · ${secondsOf(ms)} s`}
          </span>
        </summary>
        <Value title={strings.chat.arguments} value={call.input} />
        {result !== null && (
          <Value title={result.is_error ? strings.chat.error : strings.chat.result} value={result.content} />
        )}
      </details>
      {status === "asks" && <Approval toolUseId={call.id} />}
    </section>
  );
}

function Value({ title, value }: { readonly title: string; readonly value: unknown }) {
  return (
    <>
      <h4>{title}</h4>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys */}
      <pre tabIndex={0} dir="ltr">
        <code>{prettyOf(value)}</code>
      </pre>
    </>
  );
}
