// One agent: what it is, and version by version what it has been.

import type { Agent } from "@threadline/client";
import { Archive, ArchiveRestore, ArrowLeft, Pencil } from "lucide-react";
import { useCallback, useState } from "react";
import { follow } from "../../shell/address.ts";
import { strings } from "../../strings.operator.ts";
import { Button } from "../../ui/button.tsx";
import { useOperator } from "../api.ts";
import { useAsked, usePages } from "../kit/asked.ts";
import { Badge } from "../kit/badge.tsx";
import { Confirm } from "../kit/confirm.tsx";
import { Page } from "../kit/page.tsx";
import { Answered } from "../kit/states.tsx";
import { Time } from "../kit/time.tsx";
import { operatorPath } from "../place.ts";
import { changesBetween } from "./diff.ts";
import { AgentForm } from "./form.tsx";

const words = strings.agents;

export function AgentPage({ id }: { readonly id: string }) {
  const operator = useOperator();
  const path = { agent_id: id };
  const agent = useAsked(
    useCallback(
      (signal: AbortSignal) => operator.call("GET /v1/agents/{agent_id}", { path: { agent_id: id }, signal }),
      [operator, id],
    ),
  );
  const versions = usePages(
    useCallback(
      (cursor: string | null, signal: AbortSignal) =>
        operator.call("GET /v1/agents/{agent_id}/versions", {
          path: { agent_id: id },
          query: { limit: 50, cursor },
          signal,
        }),
      [operator, id],
    ),
  );
  const [asks, setAsks] = useState<"archive" | "edit" | null>(null);
  const reload = () => {
    agent.reload();
    versions.reload();
  };
  const archive = async (archived: boolean) => {
    await operator.call("PATCH /v1/agents/{agent_id}", { path, body: { archived } });
    reload();
  };
  const now = agent.value;
  return (
    <Page
      title={now?.name ?? words.agent}
      about={now === null ? id : `@${now.handle}${now.archived ? ` · ${words.archived}` : ""}`}
      actions={
        <>
          <a
            href={operatorPath("agents")}
            onClick={follow}
            className="inline-flex min-h-9 items-center gap-2 rounded-lg px-3 text-sm hover:bg-line/60"
          >
            <ArrowLeft aria-hidden className="size-4 rtl:rotate-180" />
            {words.all}
          </a>
          {now !== null && (
            <>
              <Button onClick={() => (now.archived ? void archive(false) : setAsks("archive"))}>
                {now.archived ? (
                  <ArchiveRestore aria-hidden className="size-4" />
                ) : (
                  <Archive aria-hidden className="size-4" />
                )}
                {now.archived ? words.restore : words.archive}
              </Button>
              <Button kind="primary" onClick={() => setAsks("edit")}>
                <Pencil aria-hidden className="size-4" />
                {strings.edit}
              </Button>
            </>
          )}
        </>
      }
    >
      <Answered
        answer={{ value: agent.error === null ? versions.items : null, error: agent.error ?? versions.error, reload }}
      >
        {(all) => (
          <ol aria-label={words.versions} className="grid gap-4">
            {all.map((version, place) => (
              <Version
                key={version.version}
                version={version}
                before={all[place + 1] ?? null}
                isKnown={place + 1 < all.length || !versions.hasMore}
              />
            ))}
            {versions.hasMore && (
              <Button onClick={versions.more} className="justify-self-center">
                {strings.threads.more}
              </Button>
            )}
          </ol>
        )}
      </Answered>
      {asks === "edit" && now !== null && (
        <AgentForm
          agent={now}
          onClose={() => setAsks(null)}
          onSaved={() => {
            setAsks(null);
            reload();
          }}
        />
      )}
      {asks === "archive" && now !== null && (
        <Confirm
          title={words.archiveTitle(now.name)}
          action={words.archive}
          onClose={() => setAsks(null)}
          onConfirm={() => archive(true)}
        >
          {words.archiveMore}
        </Confirm>
      )}
    </Page>
  );
}

interface VersionProps {
  readonly version: Agent;
  readonly before: Agent | null;
  /** Whether the version before it has been read, or is none. */
  readonly isKnown: boolean;
}

const LOOK = {
  added: "bg-good/10 text-good before:content-['+']",
  removed: "bg-bad/10 text-bad before:content-['−']",
  kept: "text-soft before:content-['_']",
} as const;

function Version({ version, before, isKnown }: VersionProps) {
  const changes = isKnown ? changesBetween(before, version) : [];
  return (
    <li className="overflow-hidden rounded-2xl border border-line">
      <header className="flex flex-wrap items-center gap-3 border-b border-line bg-raised px-4 py-2 text-sm">
        <h2 className="font-semibold">{words.versionNumber(version.version)}</h2>
        {version.archived && <Badge>{words.archived}</Badge>}
        <span className="ms-auto text-xs text-soft">
          <Time at={version.updated_at} isExact />
        </span>
      </header>
      {changes.map(({ field, lines }) => (
        <section key={field} aria-label={words.fields[field]} className="border-b border-line px-4 py-3 last:border-0">
          <h3 className="mb-1 text-xs text-soft">{words.fields[field]}</h3>
          <div className="overflow-hidden rounded-lg font-mono text-xs">
            {lines.map(({ kind, text }, place) => (
              <p
                // biome-ignore lint/suspicious/noArrayIndexKey: a line is known by its place
                key={place}
                dir="auto"
                className={`flex gap-2 whitespace-pre-wrap px-2 py-px wrap-anywhere before:w-3 before:shrink-0 before:select-none ${LOOK[kind]}`}
              >
                {kind !== "kept" && <span className="sr-only">{words.lines[kind]}</span>}
                {text}
              </p>
            ))}
          </div>
        </section>
      ))}
    </li>
  );
}
