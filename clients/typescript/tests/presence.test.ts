import { expect, test } from "vitest";
import { nextSilence, type People, type PresenceWord, quieted, withPresence } from "../src/presence.ts";

function told(words: readonly PresenceWord[], now = 1000): People {
  return words.reduce((people, word) => withPresence(people, word, now), new Map() as People);
}

const ANN = { type: "presence", end_user_id: "ann", status: "online" } as const;
const TYPES = { type: "typing", end_user_id: "ann", is_typing: true, seconds: 6 } as const;

test("people come, change and go; a state of the room replaces what was known", () => {
  const people = told([ANN, { ...ANN, end_user_id: "bob" }, { ...ANN, status: "away" }]);
  expect([...people].map(([id, { status }]) => `${id} ${status}`)).toEqual(["ann away", "bob online"]);
  expect([...told([ANN, { ...ANN, status: "offline" }]).keys()]).toEqual([]);
  const room = { type: "presence.state", people: [{ end_user_id: "cid", status: "away" }] } as const;
  expect([...withPresence(people, room, 0).keys()]).toEqual(["cid"]);
});

test("typing ends when it is said, and by itself when its time is over", () => {
  const typing = told([ANN, TYPES]);
  expect([typing.get("ann")?.typingUntil, nextSilence(typing, 1000)]).toEqual([7000, 7000]);
  expect(told([ANN, TYPES, { ...TYPES, is_typing: false }]).get("ann")?.typingUntil).toBe(0);
  expect(quieted(typing, 6999).get("ann")?.typingUntil).toBe(7000);
  expect(quieted(typing, 7000).get("ann")).toEqual({ status: "online", typingUntil: 0 });
  expect(nextSilence(typing, 7000)).toBeNull();
});
