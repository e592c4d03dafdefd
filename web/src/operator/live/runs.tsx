// The runs that have not ended, and the end of one of them.

import type { OpenRun } from "@threadline/client";
import { CircleCheck } from "lucide-react";
import { useCallback, useState } from "react";
import { follow } from "../../shell/address.ts";
import { strings } from "../../strings.operator.ts";
import { Button } from "../../ui/button.tsx";
import { useOperator } from "../api.ts";
import { useAsked } from "../kit/asked.ts";
import { Status } from "../kit/badge.tsx";
import { Confirm } from "../kit/confirm.tsx";
import { durationOf, secondsBetween } from "../kit/format.ts";
import { Answered, Empty } from "../kit/states.tsx";
import { type Column, Table } from "../kit/table.tsx";
import { operatorPath } from "../place.ts";

const words = strings.runs;

export function Runs({ everyMs }: { readonly everyMs: number }) {
  const operator = useOperator();
  const ask = useCallback((signal: AbortSignal) => operator.call("GET /v1/admin/runs", { signal }), [operator]);
  const answer = useAsked(ask, everyMs);
  const [doomed, setDoomed] = useState<OpenRun | null>(null);
  return (
    <section aria-labelledby="runs" className="grid gap-3">
      <h2 id="runs" className="font-semibold">
        {words.title}
      </h2>
      <Answered answer={answer} lines={3}>
        {({ data, has_more }) =>
          data.length === 0 ? (
            <Empty icon={CircleCheck} title={words.none}>
              {words.noneMore}
            </Empty>
          ) : (
            <>
              <Table label={words.title} columns={columnsOf(setDoomed)} rows={data} keyOf={(run) => run.run_id} />
              {has_more && <p className="text-sm text-soft">{words.more(data.length)}</p>}
            </>
          )
        }
      </Answered>
      {doomed !== null && (
        <Confirm
          title={words.killTitle}
          action={words.kill}
          onClose={() => setDoomed(null)}
          onConfirm={async () => {
            await operator.call("POST /v1/runs/{run_id}/cancel", {
              path: { run_id: doomed.run_id },
              body: { wait: true },
            });
            answer.reload();
          }}
        >
          {words.killMore(doomed.title ?? doomed.thread_id)}
        </Confirm>
      )}
    </section>
  );
}

function ageOf(run: OpenRun): number {
  return secondsBetween(run.created_at, null, Date.now());
}

function columnsOf(onKill: (run: OpenRun) => void): Column<OpenRun>[] {
  return [
    {
      name: words.thread,
      sortBy: (run) => run.title,
      cell: (run) => (
        <a
          href={operatorPath("threads", run.thread_id)}
          onClick={follow}
          dir="auto"
          className="font-medium underline-offset-4 hover:underline"
        >
          {run.title ?? words.untitled}
        </a>
      ),
    },
    { name: strings.columns.status, sortBy: (run) => run.status, cell: (run) => <Status status={run.status} /> },
    {
      name: words.age,
      isNumber: true,
      sortBy: ageOf,
      cell: (run) => <span title={run.created_at}>{durationOf(Math.floor(ageOf(run)))}</span>,
    },
    { name: words.model, sortBy: (run) => run.model, cell: (run) => run.model },
    {
      name: words.person,
      sortBy: (run) => run.end_user_id,
      cell: (run) => <span dir="auto">{run.end_user_id ?? strings.none}</span>,
    },
    {
      name: words.node,
      sortBy: (run) => run.node_id,
      cell: (run) => (
        <code className="font-mono text-xs text-soft" title={run.node_id ?? undefined}>
          {run.node_id === null ? strings.none : shortId(run.node_id)}
        </code>
      ),
    },
    {
      name: strings.columns.actions,
      isQuiet: true,
      cell: (run) => (
        <Button kind="danger" aria-label={words.killNamed(run.title ?? run.run_id)} onClick={() => onKill(run)}>
          {words.kill}
        </Button>
      ),
    },
  ];
}

// The beginning of an id is its time: what tells two nodes apart is its end.
function shortId(id: string): string {
  return id.length > 12 ? `…${id.slice(-8)}` : id;
}
