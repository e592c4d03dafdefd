// No conversation yet: what is written here begins one.

import { useClient } from "@threadline/client/react";
import { useEffect } from "react";
import { goTo, pathOf } from "../shell/address.ts";
import { strings } from "../strings.ts";
import { Button } from "../ui/button.tsx";
import { useAgents } from "../ui/models.ts";
import { useWatched } from "../ui/watch.ts";
import { Box } from "./box.tsx";
import { DEFAULT, fieldsOf } from "./choice.ts";
import { HOME } from "./drafts.ts";
import { callableHere } from "./mentions.ts";
import { Connecting } from "./notices.tsx";
import { Picker } from "./picker.tsx";
import { Refused, WaitingHere } from "./unsent.tsx";
import { useNextChoice } from "./use-choice.ts";
import { useDrafts } from "./use-draft.ts";
import type { OnSend } from "./use-writing.ts";

/** The questions that were asked in this tab: it goes where they are answered, also after a reload. */
const ASKED = "threadline:asked";

function asked(): string[] {
  return (sessionStorage.getItem(ASKED) ?? "").split(" ").filter((key) => key !== "");
}

export function HomePage() {
  const client = useClient();
  const [choice, choose] = useNextChoice();
  const drafts = useDrafts();
  const agents = useAgents();
  const begun = useWatched(client.outbox.begun);
  const unsent = useWatched(client.outbox.pending).filter(({ create }) => create !== undefined);
  useEffect(() => {
    const key = asked().findLast((one) => begun.has(one));
    const threadId = begun.get(key ?? "");
    if (threadId === undefined) return;
    sessionStorage.removeItem(ASKED);
    goTo(pathOf(threadId));
  }, [begun]);
  const begin: OnSend = async (content) => {
    const { key } = await client.begin(content, fieldsOf(choice));
    sessionStorage.setItem(ASKED, [...asked(), key].join(" "));
  };
  const suggest = (text: string) => {
    drafts.giveBack(HOME, { text, files: [] });
    document.querySelector<HTMLTextAreaElement>("main textarea")?.focus();
  };
  const own = { pending: unsent, place: HOME, withdraw: (key: string) => client.outbox.withdraw(key) };
  return (
    <main className="m-0 grid h-dvh max-w-none min-w-0 items-center overflow-y-auto p-0">
      <div className="mx-auto w-full max-w-184 px-4 py-10">
        <h1 className="mb-6 text-center text-2xl font-semibold tracking-tight text-balance">
          {strings.composer.welcome}
        </h1>
        <Connecting />
        <WaitingHere {...own} />
        <Refused {...own} retry={(key) => client.outbox.retry(key)} />
        <Box place={HOME} onSend={begin} callable={callableHere([], agents, null)}>
          <Picker choice={choice} onChoose={choose} />
        </Box>
        <ul aria-label={strings.composer.examples} className="mt-4 flex flex-wrap justify-center gap-2">
          {strings.composer.exampleTexts.map(([title, text]) => (
            <li key={title}>
              <Button onClick={() => suggest(text)} className="rounded-full! text-soft hover:text-text">
                {title}
              </Button>
            </li>
          ))}
        </ul>
        <Agents
          chosen={choice.kind === "agent" ? choice.id : null}
          onChoose={(id) => choose(id === null ? DEFAULT : { kind: "agent", id })}
        />
      </div>
    </main>
  );
}

interface AgentsProps {
  readonly chosen: string | null;
  readonly onChoose: (id: string | null) => void;
}

function Agents({ chosen, onChoose }: AgentsProps) {
  const agents = useAgents().filter(({ archived }) => !archived);
  if (agents.length === 0) return null;
  return (
    <section aria-labelledby="agents" className="mt-10">
      <h2 id="agents" className="mb-3 text-sm font-semibold text-soft">
        {strings.composer.agents}
      </h2>
      <ul className="grid gap-3 sm:grid-cols-2">
        {agents.map(({ id, name, handle, description }) => (
          <li key={id}>
            <button
              type="button"
              aria-pressed={id === chosen}
              onClick={() => onChoose(id === chosen ? null : id)}
              className="flex size-full items-start gap-3 rounded-2xl border border-line p-3 text-start hover:bg-raised aria-pressed:border-accent aria-pressed:bg-raised"
            >
              <span
                aria-hidden
                className="grid size-9 shrink-0 place-items-center rounded-full bg-accent/15 font-semibold text-accent"
              >
                {(name || handle).slice(0, 1).toUpperCase()}
              </span>
              <span className="grid min-w-0">
                <bdi className="truncate font-medium">{name || handle}</bdi>
                <span dir="auto" className="line-clamp-2 text-sm text-soft">
                  {description ?? `@${handle}`}
                </span>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
