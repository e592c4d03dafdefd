// The tools that models of the tenant may use: those that are registered here, and those that the installation has.

import type { Registration } from "@threadline/client";
import { Plus, Wrench } from "lucide-react";
import { useCallback, useState } from "react";
import { strings } from "../../strings.operator.ts";
import { Button } from "../../ui/button.tsx";
import { useOperator } from "../api.ts";
import { useAsked } from "../kit/asked.ts";
import { Badge } from "../kit/badge.tsx";
import { Confirm } from "../kit/confirm.tsx";
import { durationOf } from "../kit/format.ts";
import { Page } from "../kit/page.tsx";
import { Secret } from "../kit/secret.tsx";
import { Answered, Empty } from "../kit/states.tsx";
import { type Column, Table } from "../kit/table.tsx";
import { approvalInWords } from "./approval.ts";
import { ToolForm } from "./form.tsx";
import { Installed } from "./installed.tsx";

const words = strings.tools;

export function ToolsPage() {
  const operator = useOperator();
  const ask = useCallback((signal: AbortSignal) => operator.call("GET /v1/tools", { signal }), [operator]);
  const answer = useAsked(ask);
  const [edited, setEdited] = useState<Registration | "new" | null>(null);
  const [doomed, setDoomed] = useState<Registration | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const onSaved = (tool: Registration) => {
    setEdited(null);
    setSecret(tool.secret);
    answer.reload();
  };
  return (
    <Page
      title={strings.sections.tools}
      about={words.about(operator.tenant)}
      actions={
        <Button kind="primary" onClick={() => setEdited("new")}>
          <Plus aria-hidden className="size-4" />
          {words.create}
        </Button>
      }
    >
      <Answered answer={answer}>
        {({ data, installed }) => (
          <div className="grid gap-8">
            {data.length === 0 ? (
              <Empty icon={Wrench} title={words.none}>
                {words.noneMore}
              </Empty>
            ) : (
              <Table
                label={strings.sections.tools}
                columns={columnsOf(setEdited, setDoomed)}
                rows={data}
                keyOf={(tool) => tool.id}
              />
            )}
            <Installed tools={installed} />
          </div>
        )}
      </Answered>
      {edited !== null && (
        <ToolForm tool={edited === "new" ? null : edited} onClose={() => setEdited(null)} onSaved={onSaved} />
      )}
      {secret !== null && (
        <Secret title={words.secret} about={words.secretMore} secret={secret} onClose={() => setSecret(null)} />
      )}
      {doomed !== null && (
        <Confirm
          title={words.deleteTitle(doomed.name)}
          action={words.delete}
          onClose={() => setDoomed(null)}
          onConfirm={async () => {
            await operator.call("DELETE /v1/tools/{tool}", { path: { tool: doomed.id } });
            answer.reload();
          }}
        >
          {words.deleteMore}
        </Confirm>
      )}
    </Page>
  );
}

type On = (tool: Registration) => void;

function columnsOf(onEdit: On, onDelete: On): Column<Registration>[] {
  return [
    {
      name: strings.columns.name,
      sortBy: (tool) => tool.name,
      cell: (tool) => (
        <div className="max-w-60">
          <p className="font-medium">{tool.name}</p>
          <p dir="auto" className="truncate text-xs text-soft" title={tool.description}>
            {tool.description}
          </p>
        </div>
      ),
    },
    { name: words.kind, sortBy: (tool) => tool.kind, cell: (tool) => <Badge>{words.kinds[tool.kind]}</Badge> },
    {
      name: words.url,
      cell: (tool) => (
        <code
          className="inline-block max-w-44 truncate align-bottom font-mono text-xs text-soft"
          title={tool.url ?? undefined}
        >
          {tool.url ?? strings.none}
        </code>
      ),
    },
    {
      name: words.approval,
      cell: (tool) => {
        const said = approvalInWords(tool.approval);
        return <span title={said}>{said}</span>;
      },
    },
    {
      name: words.timeout,
      isNumber: true,
      sortBy: (tool) => tool.timeout_seconds,
      cell: (tool) => durationOf(tool.timeout_seconds),
    },
    {
      name: strings.columns.actions,
      isQuiet: true,
      cell: (tool) => (
        <span className="flex justify-end gap-2">
          <Button aria-label={words.editNamed(tool.name)} onClick={() => onEdit(tool)}>
            {strings.edit}
          </Button>
          <Button kind="danger" aria-label={words.deleteNamed(tool.name)} onClick={() => onDelete(tool)}>
            {words.delete}
          </Button>
        </span>
      ),
    },
  ];
}
