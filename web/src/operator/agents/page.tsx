// The agents of the tenant, or one of them with all that it has been.

import type { Agent } from "@threadline/client";
import { Bot, Plus } from "lucide-react";
import { useCallback, useState } from "react";
import { follow, goTo } from "../../shell/address.ts";
import { strings } from "../../strings.operator.ts";
import { Button } from "../../ui/button.tsx";
import { type Operator, useOperator } from "../api.ts";
import { usePages } from "../kit/asked.ts";
import { Badge } from "../kit/badge.tsx";
import { Choice } from "../kit/field.tsx";
import { Page } from "../kit/page.tsx";
import { Answered, Empty } from "../kit/states.tsx";
import { type Column, Table } from "../kit/table.tsx";
import { Time } from "../kit/time.tsx";
import { operatorPath } from "../place.ts";
import { AgentForm } from "./form.tsx";
import { AgentPage } from "./versions.tsx";

const words = strings.agents;
type Which = "archived" | "current";

export function AgentsPage({ id }: { readonly id: string | null }) {
  return id === null ? <AgentList /> : <AgentPage id={id} />;
}

function askFor({ call }: Operator, which: Which, cursor: string | null, signal: AbortSignal) {
  return call("GET /v1/agents", { query: { limit: 100, cursor, archived: which === "archived" }, signal });
}

function AgentList() {
  const operator = useOperator();
  const [which, setWhich] = useState<Which>("current");
  const [isMaking, setMaking] = useState(false);
  const pages = usePages(
    useCallback(
      (cursor: string | null, signal: AbortSignal) => askFor(operator, which, cursor, signal),
      [operator, which],
    ),
  );
  return (
    <Page
      title={strings.sections.agents}
      about={words.about(operator.tenant)}
      actions={
        <Button kind="primary" onClick={() => setMaking(true)}>
          <Plus aria-hidden className="size-4" />
          {words.create}
        </Button>
      }
    >
      <div className="max-w-48">
        <Choice
          label={words.which}
          value={which}
          choices={(["current", "archived"] as const).map((value) => ({ value, name: words.whiches[value] }))}
          onChoose={setWhich}
        />
      </div>
      <Answered answer={{ value: pages.items, error: pages.error, reload: pages.reload }}>
        {(agents) =>
          agents.length === 0 ? (
            <Empty icon={Bot} title={which === "current" ? words.none : words.noneArchived}>
              {words.noneMore}
            </Empty>
          ) : (
            <div className="grid gap-4">
              <Table label={strings.sections.agents} columns={COLUMNS} rows={agents} keyOf={(agent) => agent.id} />
              {pages.hasMore && (
                <Button onClick={pages.more} className="justify-self-center">
                  {strings.threads.more}
                </Button>
              )}
            </div>
          )
        }
      </Answered>
      {isMaking && (
        <AgentForm
          agent={null}
          onClose={() => setMaking(false)}
          onSaved={(agent) => goTo(operatorPath("agents", agent.id))}
        />
      )}
    </Page>
  );
}

const COLUMNS: readonly Column<Agent>[] = [
  {
    name: strings.columns.name,
    sortBy: (agent) => agent.name,
    cell: (agent) => (
      <a
        href={operatorPath("agents", agent.id)}
        onClick={follow}
        dir="auto"
        className="font-medium underline-offset-4 hover:underline"
      >
        {agent.name}
      </a>
    ),
  },
  { name: words.handle, sortBy: (agent) => agent.handle, cell: (agent) => `@${agent.handle}` },
  {
    name: words.model,
    sortBy: (agent) => agent.model,
    cell: (agent) => agent.model ?? <span className="text-soft">{words.defaultModel}</span>,
  },
  {
    name: words.visibility,
    sortBy: (agent) => agent.visibility,
    cell: (agent) => <Badge>{words.seen[agent.visibility]}</Badge>,
  },
  {
    name: words.owner,
    sortBy: (agent) => agent.owner,
    cell: (agent) => <span dir="auto">{agent.owner ?? words.ofTenant}</span>,
  },
  { name: words.version, isNumber: true, sortBy: (agent) => agent.version, cell: (agent) => agent.version },
  { name: words.changed, sortBy: (agent) => agent.updated_at, cell: (agent) => <Time at={agent.updated_at} /> },
];
