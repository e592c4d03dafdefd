import type { Message, Run } from "@threadline/client";
import { beforeEach, expect, test, vi } from "vitest";
import { madeAt } from "./asked-at.ts";
import {
  areToBeRead,
  askedOf,
  columnsOf,
  compare,
  compared,
  forgetAsked,
  heardOf,
  knownBefore,
  type Standing,
  TOGETHER_MS,
  waitingBeside,
} from "./compared.ts";
import { forgetChoices, keptChoices } from "./kept-choices.ts";

const answer = (run_id: string | null, model: string) => ({ id: `m-${model}`, run_id, model }) as Message;
const run = (id: string, model: string, more: Partial<Run> = {}) =>
  ({ id, model, input: null, input_message_id: "q", ...more }) as Run;

beforeEach(() => compare("q", false));

const NOBODY_CHOSE = new Map();
const SECOND = 1_000;
/** The id of a run that was asked for then; `ids.py` makes them so. */
const runAt = (ms: number) => {
  const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const moment = Array.from({ length: 10 }, (_, place) => digits[Math.floor(ms / 32 ** (9 - place)) % 32]).join("");
  return `run_${moment}${"0".repeat(16)}`;
};
const at = (ms: number, model: string, voice: string | null = null) => {
  const more = { role: "assistant", parent_id: "q", author: { type: "agent", id: voice } } as const;
  return { ...answer(runAt(ms), model), ...more, siblings: null } as Message;
};
const standing = (siblings: readonly Message[], more: Partial<Standing> = {}) => {
  const message = siblings.at(-1) as Message;
  return { message, siblings, waiting: [], isLast: true, ...more };
};
const isSideBySide = (...of: Parameters<typeof standing>) => askedOf(NOBODY_CHOSE, standing(...of)) !== null;

test("the moment of an id is the one at which it was made", () => {
  expect(madeAt("run_01M7ZVN8SC4TSZCX3T8H9CV7YF")).toBe(1795291783980);
  expect(madeAt(runAt(1795291783980))).toBe(1795291783980);
  expect(madeAt("imported")).toBeNaN();
});

test("answers of unlike models that were asked for together stand side by side, wherever they are looked at", () => {
  const first = at(0, "a");
  const together = [first, at(60 * SECOND, "b"), at(61 * SECOND, "c")];
  expect(isSideBySide(together)).toBe(true);
  expect(isSideBySide([first, at(60 * SECOND, "b"), at(60 * SECOND + TOGETHER_MS + 1, "c")])).toBe(false);
  expect(isSideBySide([first, at(60 * SECOND, "b"), at(61 * SECOND, "b")])).toBe(false);
  expect(isSideBySide([first, at(SECOND, "b")])).toBe(false);
  expect(isSideBySide([first], { waiting: [run(runAt(SECOND), "b"), run(runAt(SECOND), "c")] })).toBe(true);
  expect(isSideBySide([first, { ...at(0, "b"), run_id: null }, { ...at(0, "c"), run_id: null }])).toBe(false);
});

test("agents that answer one question each for himself are not compared", () => {
  const waiting = [run(runAt(1), "b", { agent_id: "ben" }), run(runAt(2), "c", { agent_id: "cid" })];
  expect(isSideBySide([at(0, "a", "ann")], { waiting })).toBe(false);
});

test("who wrote behind an answer, or went to an earlier one, has chosen", () => {
  const together = [at(0, "a"), at(60 * SECOND, "b"), at(61 * SECOND, "c")] as const;
  expect(isSideBySide(together, { isLast: false })).toBe(false);
  expect(isSideBySide(together, { message: together[1] })).toBe(false);
  const choices = new Map([["q", null]]);
  expect(askedOf(choices, standing(together))).toBe(null);
  const wanted = { models: [], before: new Set<string>() };
  expect(askedOf(new Map([["q", wanted]]), standing(together, { isLast: false }))).toBe(wanted);
});

test("what is not known here is read before it is decided", () => {
  const known = { ...at(61 * SECOND, "c"), siblings: { position: 3, count: 3 } };
  const partly = standing([at(60 * SECOND, "b"), known]);
  expect(askedOf(NOBODY_CHOSE, partly)).toBe(null);
  expect(areToBeRead(NOBODY_CHOSE, partly)).toBe(true);
  expect(areToBeRead(NOBODY_CHOSE, { ...partly, isLast: false })).toBe(false);
  expect(areToBeRead(new Map([["q", null]]), partly)).toBe(false);
});

test("what somebody chose is remembered on the device, the latest choices alone, until it is forgotten", () => {
  const kept = new Map<string, string>();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  });
  for (let number = 0; number < 300; number++) compare(`q${number}`, true);
  compare("q299", false);
  expect(keptChoices()).toHaveLength(200);
  expect(keptChoices().at(-1)).toEqual(["q299", false]);
  kept.set([...kept.keys()][0] ?? "", '[["q", true], "nonsense", [1, 2]]');
  expect(keptChoices()).toEqual([["q", true]]);
  forgetChoices(localStorage);
  expect(kept.size).toBe(0);
  vi.unstubAllGlobals();
});

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
  expect(compared.get().has("elsewhere")).toBe(false);
});
