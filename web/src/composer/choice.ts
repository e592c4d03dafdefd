// Who is to answer: the installation's model, another one, or an agent. Pure.

import type { Agent, ModelPage, Thread } from "@threadline/client";
import { nameOfModel, offeredOf, readableName } from "../ui/model-name.ts";

export type Choice =
  | { readonly kind: "default" }
  | { readonly kind: "model"; readonly id: string }
  | { readonly kind: "agent"; readonly id: string };

export const DEFAULT: Choice = { kind: "default" };

/** What a thread says: an agent comes before a model. */
export function choiceOf(thread: Pick<Thread, "model" | "agent_id"> | null): Choice {
  if (thread?.agent_id != null) return { kind: "agent", id: thread.agent_id };
  if (thread?.model != null) return { kind: "model", id: thread.model };
  return DEFAULT;
}

/** What a thread is to say: one of both, or neither. */
export function fieldsOf(choice: Choice): Pick<Thread, "model" | "agent_id"> {
  return {
    model: choice.kind === "model" ? choice.id : null,
    agent_id: choice.kind === "agent" ? choice.id : null,
  };
}

/** A choice in one word, and back; anything else is the default. */
export function wordOf(choice: Choice): string {
  return choice.kind === "default" ? "" : `${choice.kind}:${choice.id}`;
}

export function choiceOfWord(word: string | null): Choice {
  const [, kind, id] = /^(model|agent):(.+)$/.exec(word ?? "") ?? [];
  return kind === undefined || id === undefined ? DEFAULT : { kind: kind as "model" | "agent", id };
}

type Models = Pick<ModelPage, "data" | "default">;

export interface Option {
  readonly value: string;
  readonly label: string;
  readonly note: string | null;
  /** What programs call it: looked for as well, and shown where one points. */
  readonly id: string | null;
}

export interface Group {
  readonly value: string;
  readonly items: readonly Option[];
}

/** All there is to choose from: the default one, the agents, and the models by provider, the chosen one among them. */
export function groupsOf(
  models: Models | null,
  agents: readonly Agent[],
  choice: Choice,
  words: { readonly standard: string; readonly agents: string },
): readonly Group[] {
  const usual = models?.default ?? null;
  const note = nameOf({ kind: "default" }, models, agents);
  const standard = { value: "", label: words.standard, note, id: usual };
  const groups: Group[] = [{ value: words.standard, items: [standard] }];
  const ours = agents.filter((agent) => !agent.archived);
  if (ours.length > 0) {
    const items = ours.map(({ id, name, handle, description }) => {
      return { value: `agent:${id}`, label: name || handle, note: description, id: `@${handle}` };
    });
    groups.push({ value: words.agents, items });
  }
  const byProvider = new Map<string, Option[]>();
  const chosen = choice.kind === "model" ? choice.id : null;
  for (const { id, label, description } of offeredOf(models?.data ?? [], chosen)) {
    const provider = readableName(id.split("/", 1)[0] ?? "");
    const items = byProvider.get(provider) ?? [];
    byProvider.set(provider, items);
    items.push({ value: `model:${id}`, label, note: description, id });
  }
  return [...groups, ...[...byProvider].map(([value, items]) => ({ value, items }))];
}

/** What a choice is called; null as long as nobody knows. */
export function nameOf(choice: Choice, models: Models | null, agents: readonly Agent[]): string | null {
  if (choice.kind === "model") return nameOfModel(models?.data ?? [], choice.id);
  if (choice.kind === "default") return models === null ? null : nameOfModel(models.data, models.default);
  const agent = agents.find(({ id }) => id === choice.id);
  return agent === undefined ? null : agent.name || agent.handle;
}
