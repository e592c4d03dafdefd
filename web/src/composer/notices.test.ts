import type { Agent, Connection, Member, Run, Shown } from "@threadline/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { archivedOf, type Facts, type Kind, noticeOf, PATIENCE_MS, Patience, secondsUntil } from "./notices.ts";

const LIVE: Connection = { phase: "live", failures: 0, retryAt: null, problem: null };
const FACTS: Facts = { connection: LIVE, run: null, last: null, archived: [] };
const at = (change: Partial<Connection>) => ({ connection: { ...LIVE, ...change } });
const problem = (status: number) => ({ status, detail: "No.", code: "x", title: "", type: "", retryable: false });
const running = (...errors: (object | null)[]) =>
  ({ status: "running", attempts: errors.map((error) => ({ error })) }) as unknown as Run;
const waiting = (approvals: readonly object[], results: readonly object[] = []) =>
  ({ status: "waiting", attempts: [], waiting_for: { approvals, results } }) as unknown as Run;
const failed = (retryable: boolean) =>
  ({ delivery: "stored", message: { id: "m", status: "failed", error: { retryable } } }) as unknown as Shown;
const asked = (text: string) =>
  ({ delivery: "stored", message: { role: "user", content: [{ type: "text", text }] } }) as unknown as Shown;
const GRUMPY = { name: "Grumpy", handle: "grumpy", isForAll: false };

test("archived agents are those among the members", () => {
  const agents = ["a", "b"].map((id) => ({ id, name: id, handle: id, archived: id === "a" })) as unknown as Agent[];
  const members = [{ agent_id: "a", reply_policy: "mention" }, { agent_id: "b" }, { agent_id: null }];
  expect(archivedOf(members as Member[], agents)).toEqual([{ name: "a", handle: "a", isForAll: false }]);
});

test.each<[string, Partial<Facts>, Kind | null]>([
  ["all is well", {}, null],
  ["somebody has to sign in", at({ phase: "refused", problem: problem(401) }), "signed out"],
  ["the server wants something else", at({ phase: "refused", problem: problem(403) }), "refused"],
  ["no network", at({ phase: "offline" }), "offline"],
  ["cut", at({ phase: "waiting", failures: 1, retryAt: 5 }), "reconnecting"],
  ["while it is tried again", at({ phase: "connecting", failures: 1 }), "reconnecting"],
  ["the first connection is no reconnection", at({ phase: "connecting" }), null],
  ["a person has to allow something", { run: waiting([{ name: "pay" }]) }, "waits"],
  ["a tool's answer is waited for", { run: waiting([], [{ name: "locate" }]) }, "waits"],
  ["the answer is written anew", { run: running({ code: "run_interrupted" }, null) }, "anew"],
  ["it goes on behind a wait", { run: running(null, null) }, null],
  ["the first attempt", { run: running(null) }, null],
  ["it failed, and may work now", { last: failed(true) }, "failed"],
  ["it failed for good", { last: failed(false) }, null],
  ["it is being answered again", { last: failed(true), run: running(null) }, null],
  ["an archived agent was called", { last: asked("Well, @Grumpy?"), archived: [GRUMPY] }, "archived"],
  ["one that answered everything", { last: asked("Well?"), archived: [{ ...GRUMPY, isForAll: true }] }, "archived"],
  ["people among themselves", { last: asked("Well?"), archived: [GRUMPY] }, null],
  ["somebody else answers", { last: asked("@grumpy"), archived: [GRUMPY], run: running(null) }, null],
  ["the network matters more", { ...at({ phase: "offline" }), run: waiting([]) }, "offline"],
])("%s", (_, facts, kind) => {
  expect(noticeOf({ ...FACTS, ...facts })?.kind ?? null).toBe(kind);
});

let shown: boolean[];
let patience: Patience;

beforeEach(() => {
  vi.useFakeTimers();
  shown = [];
  patience = new Patience((isShown) => shown.push(isShown));
});
afterEach(() => void vi.useRealTimers());

test("what is over within a second is not said", () => {
  patience.want("reconnecting");
  vi.advanceTimersByTime(PATIENCE_MS - 1);
  patience.want(null);
  vi.advanceTimersByTime(PATIENCE_MS * 5);
  expect(shown).toEqual([]);
});

test("what lasts is said once, whatever it turns into, and not a moment longer", () => {
  patience.want("reconnecting");
  vi.advanceTimersByTime(PATIENCE_MS / 2);
  patience.want("offline");
  vi.advanceTimersByTime(PATIENCE_MS / 2);
  expect(shown).toEqual([true]);
  patience.want("reconnecting");
  patience.want("signed out");
  expect(shown).toEqual([true]);
  patience.want(null);
  expect(shown).toEqual([true, false]);
  patience.want("offline");
  patience.end();
  vi.advanceTimersByTime(PATIENCE_MS * 5);
  expect(shown).toEqual([true, false]);
});

test("the countdown is in whole seconds, and says nothing of the last one", () => {
  expect([secondsUntil(null, 5000), secondsUntil(5900, 5000), secondsUntil(8001, 5000)]).toEqual([null, null, 4]);
});
