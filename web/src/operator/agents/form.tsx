// An agent, made or changed: each change is its next version.

import type { Agent } from "@threadline/client";
import { useState } from "react";
import { strings } from "../../strings.operator.ts";
import { useModels } from "../../ui/models.ts";
import { useOperator } from "../api.ts";
import { Area, Choice, Field } from "../kit/field.tsx";
import { FormDialog } from "../kit/form.tsx";

const words = strings.agents;
const MODES = ["explicit", "dynamic", "tenant"] as const;

function draftOf(agent: Agent | null) {
  return {
    handle: agent?.handle ?? "",
    name: agent?.name ?? "",
    description: agent?.description ?? "",
    model: agent?.model ?? "",
    instructions: agent?.instructions ?? "",
    tools: agent?.tools.join(", ") ?? "",
    mode: agent?.tools_mode ?? MODES[0],
  };
}

function bodyOf(draft: ReturnType<typeof draftOf>) {
  return {
    handle: draft.handle,
    ...(draft.name === "" ? {} : { name: draft.name }),
    description: draft.description || null,
    model: draft.model || null,
    instructions: draft.instructions || null,
    tools: draft.tools.split(/[\s,]+/).filter((name) => name !== ""),
    tools_mode: draft.mode,
  };
}

interface Props {
  /** None for one that is yet to be. */
  readonly agent: Agent | null;
  readonly onClose: () => void;
  readonly onSaved: (agent: Agent) => void;
}

export function AgentForm({ agent, onClose, onSaved }: Props) {
  const operator = useOperator();
  const models = useModels();
  const [draft, setDraft] = useState(() => draftOf(agent));
  const put = (changed: Partial<typeof draft>) => setDraft((before) => ({ ...before, ...changed }));
  const submit = async () => {
    const body = bodyOf(draft);
    if (agent === null) onSaved(await operator.call("POST /v1/agents", { body }));
    else onSaved(await operator.call("PATCH /v1/agents/{agent_id}", { path: { agent_id: agent.id }, body }));
  };
  return (
    <FormDialog
      title={agent === null ? words.create : words.editTitle(agent.name)}
      action={agent === null ? words.create : strings.save}
      onClose={onClose}
      onSubmit={submit}
    >
      <div className="grid gap-4 sm:grid-cols-2">
        <Field
          label={words.handle}
          hint={words.handleHint}
          required
          value={draft.handle}
          onChange={({ target }) => put({ handle: target.value })}
        />
        <Field label={strings.columns.name} value={draft.name} onChange={({ target }) => put({ name: target.value })} />
      </div>
      <Field
        label={words.description}
        value={draft.description}
        onChange={({ target }) => put({ description: target.value })}
      />
      <Field
        label={words.model}
        hint={words.modelHint}
        list="agent-models"
        placeholder={models?.default}
        value={draft.model}
        onChange={({ target }) => put({ model: target.value })}
      />
      <datalist id="agent-models">
        {models?.data.map((model) => (
          <option key={model.id} value={model.id} />
        ))}
      </datalist>
      <Area
        label={words.instructions}
        rows={8}
        value={draft.instructions}
        onChange={({ target }) => put({ instructions: target.value })}
      />
      <div className="grid gap-4 sm:grid-cols-2">
        <Field
          label={words.tools}
          hint={words.toolsHint}
          value={draft.tools}
          onChange={({ target }) => put({ tools: target.value })}
        />
        <Choice
          label={words.toolsMode}
          hint={words.modes[draft.mode]}
          value={draft.mode}
          choices={MODES.map((value) => ({ value, name: value }))}
          onChoose={(mode) => put({ mode })}
        />
      </div>
    </FormDialog>
  );
}
