// What can answer: the models and the agents of the installation, asked for once.

import { type Client, type ModelPage, Refusal, Signal } from "@threadline/client";
import { useClient } from "@threadline/client/react";
import { useEffect, useState } from "react";
import { nameOfModel } from "./model-name.ts";
import { useWatched } from "./watch.ts";

const RETRY_MS = 2_000;

type Models = ModelPage;
type Agents = Awaited<ReturnType<typeof askForAgents>>;

/** How often somebody has changed agents here. */
const changes = new Signal(0);
const asked = new WeakMap<Client, Asked>();

interface Asked {
  /** What came with the page, or was answered. */
  known?: Models;
  models?: Promise<Models> | undefined;
  agents?: Promise<Agents> | undefined;
}

function askForModels(client: Client) {
  return client.call("GET /v1/models", {});
}

async function askForAgents(client: Client) {
  return (await client.call("GET /v1/agents", { query: { limit: 200 } })).data;
}

/** Ask until there is an answer. Throws `Refusal` where asking again would not help. */
async function answered<Value>(ask: () => Promise<Value>): Promise<Value> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof Refusal && !error.isPassing) throw error;
      await new Promise((wake) => setTimeout(wake, RETRY_MS));
    }
  }
}

function of(client: Client): Asked {
  const found = asked.get(client) ?? {};
  asked.set(client, found);
  return found;
}

/** The models came with the page: nobody has to ask for them. */
export function tellModels(client: Client, models: Models): void {
  of(client).known = models;
}

/** The models known by name, and the default one; null until they are known. */
export function useModels(): Models | null {
  const client = useClient();
  const [models, setModels] = useState<Models | null>(of(client).known ?? null);
  useEffect(() => {
    const found = of(client);
    if (found.known !== undefined) return setModels(found.known);
    found.models ??= answered(() => askForModels(client));
    found.models.then(
      (page) => {
        found.known = page;
        setModels(page);
      },
      () => {
        found.models = undefined;
      },
    );
  }, [client]);
  return models;
}

/** What a model is called among people. */
export function useModelName(): (id: string) => string {
  const models = useModels();
  return (id) => nameOfModel(models?.data ?? [], id);
}

/** Somebody has changed them: ask again, when they are needed next and wherever they are shown now. */
export function forgetAgents(client: Client): void {
  of(client).agents = undefined;
  changes.set(changes.get() + 1);
}

/** The agents that one may see. */
export function useAgents(): Agents {
  const client = useClient();
  const count = useWatched(changes);
  const [agents, setAgents] = useState<Agents>([]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: after a change they are asked for again
  useEffect(() => {
    let isOver = false;
    const found = of(client);
    found.agents ??= answered(() => askForAgents(client));
    found.agents.then(
      (page) => isOver || setAgents(page),
      () => {
        if (!isOver) found.agents = undefined;
      },
    );
    return () => {
      isOver = true;
    };
  }, [client, count]);
  return agents;
}
