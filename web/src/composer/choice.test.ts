import type { Agent } from "@threadline/client";
import { expect, test } from "vitest";
import { choiceOf, choiceOfWord, fieldsOf, groupsOf, nameOf, wordOf } from "./choice.ts";

const agent = (id: string, more: Partial<Agent> = {}) =>
  ({ id, handle: id, name: "", description: null, archived: false, ...more }) as Agent;

test("a thread has an agent, or a model, or neither; choosing one takes the other away", () => {
  expect(choiceOf(null)).toEqual({ kind: "default" });
  expect(choiceOf({ model: "a/b", agent_id: "agt_1" })).toEqual({ kind: "agent", id: "agt_1" });
  expect(fieldsOf({ kind: "agent", id: "agt_1" })).toEqual({ model: null, agent_id: "agt_1" });
  expect(fieldsOf({ kind: "model", id: "a/b" })).toEqual({ model: "a/b", agent_id: null });
  expect(fieldsOf({ kind: "default" })).toEqual({ model: null, agent_id: null });
});

test("a choice is kept as a word, and what is no choice is the default", () => {
  for (const word of ["", "model:a/b:c", "agent:agt_1"]) expect(wordOf(choiceOfWord(word))).toBe(word);
  for (const word of [null, "x", "model:", "{}"]) expect(choiceOfWord(word)).toEqual({ kind: "default" });
});

test("models stand under their providers, behind the agents that there are", () => {
  const models = {
    default: "demo/threadline",
    data: ["demo/echo", "open/x/y", "demo/role"].map((id) => {
      return { id, name: `The ${id}`, description: null, hidden: id === "demo/role", object: "model" as const };
    }),
  };
  const agents = [agent("critic", { name: "Critic" }), agent("gone", { archived: true })];
  const words = { standard: "Default", agents: "Agents" };
  const groups = groupsOf(models, agents, { kind: "model", id: "demo/count-5@9" }, words);
  expect(groups.map(({ value, items }) => [value, items.map(({ label }) => label)])).toEqual([
    ["Default", ["Default"]],
    ["Agents", ["Critic"]],
    ["Demo", ["The demo/echo", "Count 5"]],
    ["Open", ["The open/x/y"]],
  ]);
  expect(groups[0]?.items).toMatchObject([{ note: "Threadline", id: "demo/threadline" }]);
  expect(nameOf({ kind: "agent", id: "critic" }, null, agents)).toBe("Critic");
  expect(nameOf({ kind: "default" }, models, agents)).toBe("Threadline");
  expect(nameOf({ kind: "default" }, null, agents)).toBeNull();
});
