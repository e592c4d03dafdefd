import type { Member, Run, Shown } from "@threadline/client";
import { expect, test } from "vitest";
import { waitingOf } from "./waiting.ts";

const by = (id: string | null) => ({ type: "user", id });
const run = (more: object) =>
  ({ id: "r", agent_id: null, model: "m", input: null, input_message_id: null, ...more }) as unknown as Run;
const said = (message: object) => ({ delivery: "stored", message }) as unknown as Shown;
const ANN = { end_user_id: "ann", agent_id: null } as Member;
const BOT = { end_user_id: null, agent_id: "agt", handle: "bot", name: null } as Member;
const question = said({ id: "q", role: "user", author: by("ann") });
const asked = run({ agent_id: "agt", input_message_id: "q" });

test.each<[string, readonly Member[], string | null, string | null, boolean]>([
  ["one's own in a room", [ANN], "ann", "ann", true],
  ["somebody else's in a room", [ANN], "ann", "ben", false],
  ["where nobody else takes part", [], "ann", "operator", true],
  ["whoever sent it without a name", [ANN], null, "ben", true],
])("%s", (_, members, author, me, isOwn) => {
  const queue = [run({ input: { author: by(author) } })];
  expect(waitingOf({ queue, messages: [], members }, me, String)).toMatchObject([{ isOwn, answerer: null }]);
});

test("in a room the question stands already, and who will answer it waits", () => {
  const room = { queue: [asked], messages: [question], members: [ANN, BOT] };
  expect(waitingOf(room, "ann", String)).toMatchObject([{ isOwn: true, answerer: "bot" }]);
  expect(waitingOf({ ...room, members: [] }, "ann", String)).toEqual([]);
});

test("what is answered again stands beside its answer, and another agent's answer still waits", () => {
  const answer = (id: string) => said({ id: "a", role: "assistant", parent_id: "q", author: { type: "agent", id } });
  const room = (id: string) => ({ queue: [asked], messages: [question, answer(id)], members: [ANN, BOT] });
  expect(waitingOf(room("agt"), "ann", String)).toEqual([]);
  expect(waitingOf(room("other"), "ann", String)).toHaveLength(1);
});
