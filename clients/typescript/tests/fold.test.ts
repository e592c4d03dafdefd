import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  EMPTY,
  fold,
  knownOf,
  LogHole,
  membersOf,
  messagesOf,
  runsOf,
  stateOf,
  type ThreadState,
  type WireEvent,
} from "../src/fold.ts";
import type { Member, Message, Run, Thread } from "../src/types.ts";

interface Shown {
  readonly seq: number;
  readonly thread: Thread;
  readonly messages: readonly Message[];
  readonly runs: readonly Run[];
  readonly members?: readonly Member[];
}

interface Case {
  readonly about: string;
  readonly start: Shown | null;
  readonly steps: readonly { readonly events: readonly WireEvent[]; readonly state: Shown }[];
}

const FOLDER = new URL("../../../tests/cases/fold/", import.meta.url);
const NAMES = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));

function caseOf(name: string): Case {
  return JSON.parse(readFileSync(new URL(name, FOLDER), "utf8"));
}

function shown(state: ThreadState): Shown {
  return {
    seq: state.seq,
    thread: state.thread as Thread,
    messages: messagesOf(state),
    runs: runsOf(state),
    members: membersOf(state),
  };
}

// What is null or empty may be missing: a field that a later version adds is no difference to a case that is older.
function whole(value: unknown): unknown {
  const isNothing = (inner: unknown) => inner === null || (Array.isArray(inner) && inner.length === 0);
  return JSON.parse(JSON.stringify(value, (_, inner) => (isNothing(inner) ? undefined : inner)));
}

test("there are cases", () => {
  expect(NAMES.length).toBeGreaterThan(9);
});

test.each(NAMES)("%s: events become the states of the case, as in the server's fold", (name) => {
  const { about, start, steps } = caseOf(name);
  let state = start === null ? EMPTY : stateOf({ members: [], ...start });
  for (const { events, state: expected } of steps) {
    state = events.reduce(fold, state);
    expect(whole(shown(state)), about).toEqual(whole(expected));
  }
});

test.each(NAMES)("%s: whoever stops at any event and goes on from that state comes to the same", (name) => {
  const { start, steps } = caseOf(name);
  const events = steps.flatMap((step) => step.events);
  const begun = start === null ? EMPTY : stateOf({ members: [], ...start });
  const end = shown(events.reduce(fold, begun));
  for (let cut = 1; cut < events.length; cut++) {
    const middle = events.slice(0, cut).reduce(fold, begun);
    if (middle.thread === null) continue;
    const kept = stateOf({
      ...shown(middle),
      thread: middle.thread,
      messages: knownOf(middle),
      members: membersOf(middle),
    });
    expect(shown(events.slice(cut).reduce(fold, kept))).toEqual(end);
  }
});

test("an event that is known already changes nothing, and one that is missing is noticed", () => {
  const [first, second, third] = caseOf("one-answer.json").steps.flatMap((step) => step.events);
  if (first === undefined || second === undefined || third === undefined) throw new Error("a case of three events");
  const state = fold(fold(EMPTY, first), second);
  expect(fold(state, first)).toBe(state);
  expect(() => fold(fold(EMPTY, first), third)).toThrow(LogHole);
});

test("a token makes one new message; everything else stays the very same objects", () => {
  const events = caseOf("edit.json").steps.flatMap((step) => step.events);
  const place = events.map((event) => event.type).lastIndexOf("message.delta");
  const before = events.slice(0, place).reduce(fold, EMPTY);
  const after = fold(before, events[place] as WireEvent);
  expect(after.messages).toBe(before.messages);
  expect(after.runs).toBe(before.runs);
  const changed = messagesOf(after).filter((message, index) => message !== messagesOf(before)[index]);
  expect(changed.map((message) => message.status)).toEqual(["streaming"]);
});
