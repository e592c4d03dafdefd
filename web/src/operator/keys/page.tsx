// The keys of the tenant: what there is, one more, one less.

import type { Key } from "@threadline/client";
import { KeyRound, Plus } from "lucide-react";
import { useCallback, useState } from "react";
import { strings } from "../../strings.operator.ts";
import { Button } from "../../ui/button.tsx";
import { useOperator } from "../api.ts";
import { useAsked } from "../kit/asked.ts";
import { Badge } from "../kit/badge.tsx";
import { Confirm } from "../kit/confirm.tsx";
import { Page } from "../kit/page.tsx";
import { Secret } from "../kit/secret.tsx";
import { Answered, Empty } from "../kit/states.tsx";
import { type Column, Table } from "../kit/table.tsx";
import { Time } from "../kit/time.tsx";
import { NewKey } from "./new.tsx";

const words = strings.keys;

export function KeysPage() {
  const operator = useOperator();
  const answer = useAsked(useCallback((signal: AbortSignal) => operator.call("GET /v1/keys", { signal }), [operator]));
  const [isMaking, setMaking] = useState(false);
  const [made, setMade] = useState<Key | null>(null);
  const [doomed, setDoomed] = useState<Key | null>(null);
  const onMade = (key: Key) => {
    setMaking(false);
    setMade(key);
    answer.reload();
  };
  return (
    <Page
      title={strings.sections.keys}
      about={words.about(operator.tenant)}
      actions={
        <Button kind="primary" onClick={() => setMaking(true)}>
          <Plus aria-hidden className="size-4" />
          {words.create}
        </Button>
      }
    >
      <Answered answer={answer}>
        {({ data }) =>
          data.length === 0 ? (
            <Empty icon={KeyRound} title={words.none}>
              {words.noneMore}
            </Empty>
          ) : (
            <Table
              label={strings.sections.keys}
              columns={columns(setDoomed)}
              rows={data}
              keyOf={(key) => key.id}
              order={{ column: 3, isDown: true }}
            />
          )
        }
      </Answered>
      {isMaking && <NewKey onClose={() => setMaking(false)} onMade={onMade} />}
      {made?.secret != null && (
        <Secret title={words.made} about={words.madeMore} secret={made.secret} onClose={() => setMade(null)} />
      )}
      {doomed !== null && (
        <Confirm
          title={words.revokeTitle(doomed.name || doomed.id)}
          action={words.revoke}
          onClose={() => setDoomed(null)}
          onConfirm={async () => {
            await operator.call("DELETE /v1/keys/{key_id}", { path: { key_id: doomed.id } });
            answer.reload();
          }}
        >
          {words.revokeMore}
        </Confirm>
      )}
    </Page>
  );
}

function columns(onRevoke: (key: Key) => void): Column<Key>[] {
  return [
    {
      name: strings.columns.name,
      sortBy: (key) => key.name || null,
      cell: (key) => (
        <span dir="auto" className={key.name ? "font-medium" : "text-soft"}>
          {key.name || words.unnamed}
        </span>
      ),
    },
    { name: words.role, sortBy: (key) => key.role, cell: (key) => key.role },
    { name: words.id, cell: (key) => <code className="font-mono text-xs text-soft">{key.id}</code> },
    { name: strings.columns.created, sortBy: (key) => key.created_at, cell: (key) => <Time at={key.created_at} /> },
    {
      name: strings.columns.status,
      sortBy: (key) => key.revoked_at ?? "",
      cell: (key) =>
        key.revoked_at === null ? (
          <Badge tone="good">{words.active}</Badge>
        ) : (
          <span className="inline-flex items-center gap-2">
            <Badge>{words.revoked}</Badge>
            <Time at={key.revoked_at} />
          </span>
        ),
    },
    {
      name: strings.columns.actions,
      isQuiet: true,
      cell: (key) =>
        key.revoked_at === null && (
          <Button kind="danger" aria-label={words.revokeNamed(key.name || key.id)} onClick={() => onRevoke(key)}>
            {words.revoke}
          </Button>
        ),
    },
  ];
}
