// The threads: to find one, and to read what has happened in it.

import type { Thread } from "@threadline/client";
import { MessagesSquare } from "lucide-react";
import { useCallback, useState } from "react";
import { follow } from "../../shell/address.ts";
import { strings } from "../../strings.operator.ts";
import { Button } from "../../ui/button.tsx";
import { type Operator, useOperator } from "../api.ts";
import { usePages } from "../kit/asked.ts";
import { Badge } from "../kit/badge.tsx";
import { Choice, Field } from "../kit/field.tsx";
import { countOf } from "../kit/format.ts";
import { Page } from "../kit/page.tsx";
import { useSettled } from "../kit/settled.ts";
import { Answered, Empty } from "../kit/states.tsx";
import { type Column, Table } from "../kit/table.tsx";
import { TenantChoice } from "../kit/tenant.tsx";
import { Time } from "../kit/time.tsx";
import { operatorPath } from "../place.ts";

const words = strings.threads;
const STATES = ["all", "running", "waiting", "failed"] as const;
type State = (typeof STATES)[number];

interface Wanted {
  readonly q: string;
  readonly person: string;
  readonly state: State;
  /** An id; empty for one's own. */
  readonly tenant: string;
}

const ALL: Wanted = { q: "", person: "", state: "all", tenant: "" };

function askFor({ call }: Operator, wanted: Wanted, cursor: string | null, signal: AbortSignal) {
  const query = {
    limit: 50,
    cursor,
    q: wanted.q.trim() || null,
    end_user_id: wanted.person.trim() || null,
    state: wanted.state === "all" ? null : wanted.state,
    tenant: wanted.tenant || null,
  };
  return call("GET /v1/admin/threads", { query, signal });
}

export function ThreadsPage() {
  const operator = useOperator();
  const [wanted, setWanted] = useState(ALL);
  const settled = useSettled(wanted);
  const pages = usePages(
    useCallback(
      (cursor: string | null, signal: AbortSignal) => askFor(operator, settled, cursor, signal),
      [operator, settled],
    ),
  );
  const isNarrow = wanted.q !== "" || wanted.person !== "" || wanted.state !== "all";
  const answer = { value: pages.items, error: pages.error, reload: pages.reload };
  return (
    <Page title={strings.sections.threads} about={words.about}>
      <search className="grid gap-3 sm:flex sm:flex-wrap">
        <Field
          label={words.find}
          type="search"
          placeholder={words.findHint}
          value={wanted.q}
          onChange={({ target }) => setWanted({ ...wanted, q: target.value })}
        />
        <Field
          label={words.person}
          type="search"
          placeholder={words.personHint}
          value={wanted.person}
          onChange={({ target }) => setWanted({ ...wanted, person: target.value })}
        />
        <Choice
          label={words.state}
          value={wanted.state}
          choices={STATES.map((value) => ({ value, name: words.states[value] }))}
          onChoose={(state) => setWanted({ ...wanted, state })}
        />
        <TenantChoice
          nobody={words.ownTenant(operator.tenant)}
          value={wanted.tenant}
          onChoose={(tenant) => setWanted({ ...wanted, tenant })}
        />
      </search>
      <Answered answer={answer}>
        {(threads) =>
          threads.length === 0 ? (
            <Empty icon={MessagesSquare} title={isNarrow ? words.noneFound : words.none}>
              {isNarrow ? words.noneFoundMore : words.noneMore}
            </Empty>
          ) : (
            <div className="grid gap-4" aria-busy={pages.isLoading}>
              <Table label={strings.sections.threads} columns={COLUMNS} rows={threads} keyOf={(thread) => thread.id} />
              {pages.hasMore && (
                <Button disabled={pages.isLoading} onClick={pages.more} className="justify-self-center">
                  {words.more}
                </Button>
              )}
            </div>
          )
        }
      </Answered>
    </Page>
  );
}

const COLUMNS: readonly Column<Thread>[] = [
  {
    name: words.thread,
    sortBy: (thread) => thread.title,
    cell: (thread) => (
      <a
        href={operatorPath("threads", thread.id)}
        onClick={follow}
        dir="auto"
        className="font-medium underline-offset-4 hover:underline"
      >
        {thread.title ?? words.untitled}
      </a>
    ),
  },
  {
    name: words.person,
    sortBy: (thread) => thread.end_user_id,
    cell: (thread) => <span dir="auto">{thread.end_user_id ?? strings.none}</span>,
  },
  {
    name: strings.columns.status,
    cell: (thread) => (
      <span className="flex gap-1.5">
        {thread.active_run_id !== null && <Badge tone="busy">{words.answering}</Badge>}
        {thread.archived && <Badge>{words.archived}</Badge>}
        {thread.active_run_id === null && !thread.archived && <span className="text-soft">{words.quiet}</span>}
      </span>
    ),
  },
  {
    name: words.messages,
    isNumber: true,
    sortBy: (thread) => thread.message_count,
    cell: (thread) => countOf(thread.message_count),
  },
  {
    name: words.active,
    sortBy: (thread) => thread.last_activity_at,
    cell: (thread) => <Time at={thread.last_activity_at} />,
  },
];
