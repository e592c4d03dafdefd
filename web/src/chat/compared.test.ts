import type { Message, Run } from "@threadline/client";
import { beforeEach, expect, test } from "vitest";
import { columnsOf, compare, compared, forgetAsked, heardOf, knownBefore, waitingBeside } from "./compared.ts";

const answer = (run_id: string | null, model: string) => ({ id: `m-${model}`, run_id, model }) as Message;
const run = (id: string, model: string, more: Partial<Run> = {}) =>
  ({ id, model, input: null, input_message_id: "q", ...more }) as Run;

beforeEach(() => compare("q", false));

test("what waits beside an answer are the runs of its question that have not begun to write", () => {
  const runs = [run("r1", "a"), run("r2", "b"), run("r3", "c", { input_message_id: "other" })];
  const sent = run("r4", "d", { input: {} as Message });
  expect(waitingBeside("q", [answer("r1", "a")], [...runs, sent]).map(({ id }) => id)).toEqual(["r2"]);
  expect(waitingBeside(null, [], runs)).toEqual([]);
});

test("there is a column for each asked model, from the moment of asking on, and never two", () => {
  const first = answer("r0", "b");
  const asked = { models: ["a", "b"], before: knownBefore([first], []) };
  const models = (...of: Parameters<typeof columnsOf>) => columnsOf(...of).map(({ model }) => model);
  expect(models([first], [], asked)).toEqual(["b", "a", "b"]);
  expect(models([first], [run("r1", "a")], asked)).toEqual(["b", "a", "b"]);
  expect(models([first], [run("r1", "a"), run("r2", "b")], asked)).toEqual(["b", "a", "b"]);
  expect(models([first, answer("r1", "a")], [run("r2", "b")], asked)).toEqual(["b", "a", "b"]);
});

test("a column is the same one while its model waits and when it answers", () => {
  const nothing = { models: [], before: new Set<string>() };
  expect(columnsOf([], [run("r1", "a")], nothing)[0]?.key).toBe("r1");
  expect(columnsOf([answer("r1", "a")], [], nothing)[0]?.key).toBe("r1");
});

test("what was heard of is not waited for any more, whatever becomes of it", () => {
  compare("q", true, { models: ["a", "b"], before: new Set() });
  const asked = () => compared.get().get("q") ?? { models: [], before: new Set<string>() };
  expect(heardOf(asked(), [], [run("r1", "a")])).toEqual(["a"]);
  forgetAsked("q", ["a"]);
  expect(asked().models).toEqual(["b"]);
  forgetAsked("elsewhere", ["b"]);
  expect([...compared.get().keys()]).toEqual(["q"]);
});
