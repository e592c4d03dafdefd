// Agents of one's own: what they are called, what they are told, and which model they speak with. Nobody else sees them.

import type { Agent } from "@threadline/client";
import { useClient } from "@threadline/client/react";
import { type FormEvent, useCallback, useEffect, useState } from "react";
import { useSession } from "../shell/first-state.ts";
import { strings } from "../strings.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { offeredOf } from "../ui/model-name.ts";
import { forgetAgents, useModels } from "../ui/models.ts";
import { tried } from "./deeds.ts";

const words = strings.agents;
const FIELD = "min-h-9 w-full min-w-0 rounded-lg border border-line bg-ground px-2 py-1.5 text-sm";

/** What is edited: one that is there, or a new one. */
type Edited = Agent | "new" | null;

export default function AgentsDialog({ onClose }: { readonly onClose: () => void }) {
  const client = useClient();
  const { end_user_id: person } = useSession();
  const [agents, setAgents] = useState<readonly Agent[] | null>(null);
  const [edited, setEdited] = useState<Edited>(null);
  const load = useCallback(async () => {
    const page = await client.call("GET /v1/agents", { query: { limit: 200 } });
    setAgents(page.data.filter((agent) => agent.owner === person));
  }, [client, person]);
  useEffect(() => {
    void tried(load);
  }, [load]);
  const changed = () => {
    forgetAgents(client);
    setEdited(null);
    void tried(load);
  };
  const archive = async (agent: Agent, archived: boolean) => {
    const asked = { path: { agent_id: agent.id }, body: { archived } };
    if (await tried(() => client.call("PATCH /v1/agents/{agent_id}", asked))) changed();
  };
  if (edited !== null) {
    const title = edited === "new" ? words.create : words.edit(edited.name);
    return (
      <Dialog title={title} isOpen onClose={onClose}>
        <Form agent={edited === "new" ? null : edited} onDone={changed} onCancel={() => setEdited(null)} />
      </Dialog>
    );
  }
  const inUse = agents?.filter(({ archived }) => !archived);
  const archived = agents?.filter((agent) => agent.archived) ?? [];
  return (
    <Dialog title={words.title} isOpen onClose={onClose}>
      <p className="text-sm text-soft">{words.text}</p>
      <ul className="mt-3 divide-y divide-line text-sm">
        {inUse?.map((agent) => (
          <li key={agent.id} className="flex flex-wrap items-center justify-end gap-2 py-2">
            <span dir="auto" className="min-w-32 flex-1 wrap-anywhere">
              {agent.name} <bdi className="text-soft">@{agent.handle}</bdi>
            </span>
            <Button aria-label={words.edit(agent.name)} onClick={() => setEdited(agent)}>
              {words.change}
            </Button>
            <Button aria-label={words.archive(agent.name)} onClick={() => void archive(agent, true)}>
              {strings.room.archive}
            </Button>
          </li>
        ))}
      </ul>
      {inUse?.length === 0 && <p className="py-2 text-sm text-soft">{words.none}</p>}
      <Archived agents={archived} onRestore={(agent) => void archive(agent, false)} />
      <footer className="mt-4 flex justify-end">
        <Button kind="primary" onClick={() => setEdited("new")}>
          {words.create}
        </Button>
      </footer>
    </Dialog>
  );
}

interface ArchivedProps {
  readonly agents: readonly Agent[];
  readonly onRestore: (agent: Agent) => void;
}

/** Folded away: they answer nobody, and keep their handles. */
function Archived({ agents, onRestore }: ArchivedProps) {
  if (agents.length === 0) return null;
  return (
    <details className="mt-2 border-t border-line pt-2 text-sm">
      <summary className="cursor-pointer py-1 text-soft">{words.archived(agents.length)}</summary>
      <ul className="divide-y divide-line">
        {agents.map((agent) => (
          <li key={agent.id} className="flex flex-wrap items-center justify-end gap-2 py-2">
            <span dir="auto" className="min-w-32 flex-1 wrap-anywhere text-soft">
              {agent.name} <bdi>@{agent.handle}</bdi>
            </span>
            <Button aria-label={words.restoreOne(agent.name)} onClick={() => onRestore(agent)}>
              {words.restore}
            </Button>
          </li>
        ))}
      </ul>
    </details>
  );
}

interface FormProps {
  readonly agent: Agent | null;
  readonly onDone: () => void;
  readonly onCancel: () => void;
}

function Form({ agent, onDone, onCancel }: FormProps) {
  const client = useClient();
  const models = useModels();
  const [name, setName] = useState(agent?.name ?? "");
  const [handle, setHandle] = useState(agent?.handle ?? "");
  const [instructions, setInstructions] = useState(agent?.instructions ?? "");
  const [model, setModel] = useState(agent?.model ?? "");
  const save = async (event: FormEvent) => {
    event.preventDefault();
    const body = { name: name.trim() || handle, handle, instructions: instructions || null, model: model || null };
    const isSaved = await tried(() =>
      agent === null
        ? client.call("POST /v1/agents", { body })
        : client.call("PATCH /v1/agents/{agent_id}", { path: { agent_id: agent.id }, body }),
    );
    if (isSaved) onDone();
  };
  return (
    <form onSubmit={(event) => void save(event)} className="grid gap-3 text-sm">
      <label className="grid gap-1">
        {words.name}
        <input dir="auto" value={name} onChange={({ target }) => setName(target.value)} className={FIELD} />
      </label>
      <label className="grid gap-1">
        {words.handle}
        <input
          required
          dir="ltr"
          autoCapitalize="none"
          pattern="[a-z0-9_\-]+"
          title={words.handleHint}
          value={handle}
          onChange={({ target }) => setHandle(target.value)}
          className={FIELD}
        />
      </label>
      <label className="grid gap-1">
        {words.instructions}
        <textarea
          dir="auto"
          rows={6}
          value={instructions}
          onChange={({ target }) => setInstructions(target.value)}
          className={FIELD}
        />
      </label>
      <label className="grid gap-1">
        {words.model}
        <select value={model} onChange={({ target }) => setModel(target.value)} className={FIELD}>
          <option value="">{strings.composer.standard}</option>
          {offeredOf(models?.data ?? [], agent?.model ?? null).map(({ id, label }) => (
            <option key={id} value={id} title={id}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <footer className="flex flex-wrap justify-end gap-2">
        <Button onClick={onCancel}>{strings.ui.cancel}</Button>
        <Button kind="primary" type="submit">
          {words.save}
        </Button>
      </footer>
    </form>
  );
}
