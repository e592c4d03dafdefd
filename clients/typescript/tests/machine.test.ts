import { expect, test } from "vitest";
import { type Connection, type Happening, IDLE, PAUSE_MS_MAX, pauseMs, step } from "../src/machine.ts";
import type { Problem } from "../src/types.ts";

const PROBLEM: Problem = {
  type: "about:blank",
  title: "Unauthorized",
  status: 401,
  detail: "",
  code: "unauthorized",
  retryable: false,
};

/** Let things happen one after the other; returns phases and deeds. */
function told(happenings: readonly Happening[], from: Connection = IDLE): { connection: Connection; story: string[] } {
  let connection = from;
  const story = happenings.map((happening) => {
    const next = step(connection, happening, 1000, 0.5);
    connection = next.connection;
    return `${happening.type}: ${connection.phase}, ${next.deed}`;
  });
  return { connection, story };
}

const LIVE = told([{ type: "wanted" }, { type: "opened" }, { type: "caught_up" }]);

test("from nothing to live", () => {
  expect(LIVE.story).toEqual([
    "wanted: connecting, connect",
    "opened: catching_up, nothing",
    "caught_up: live, nothing",
  ]);
});

test("a cut waits, and each failure in a row doubles the ceiling; being caught up forgets them", () => {
  const cut: Happening = { type: "cut" };
  const { connection } = told(
    [cut, { type: "timer" }, { type: "opened" }, cut, { type: "timer" }, cut],
    LIVE.connection,
  );
  expect(connection).toMatchObject({ phase: "waiting", failures: 3, retryAt: 1000 + 500 });
  const again = told([{ type: "timer" }, { type: "opened" }, { type: "caught_up" }], connection);
  expect(again.connection).toEqual(LIVE.connection);
});

test("what the server asks for comes on top", () => {
  const { connection } = told([{ type: "cut", retryAfterMs: 3000 }], LIVE.connection);
  expect(connection.retryAt).toBe(1000 + 3000 + 125);
});

test("offline does not try; online tries at once, without what failed before", () => {
  const { connection, story } = told(
    [
      { type: "cut" },
      { type: "network", isOnline: false },
      { type: "timer" },
      { type: "wanted" },
      { type: "network", isOnline: true },
    ],
    LIVE.connection,
  );
  expect(story.slice(1)).toEqual([
    "network: offline, disconnect",
    "timer: offline, nothing",
    "wanted: offline, nothing",
    "network: connecting, connect",
  ]);
  expect(connection.failures).toBe(0);
});

test("a page that is looked at again does not wait, and does not trust a connection that was silent", () => {
  const waiting = told([{ type: "cut" }], LIVE.connection).connection;
  expect(told([{ type: "woken", isStale: false }], waiting).story).toEqual(["woken: connecting, connect"]);
  expect(told([{ type: "woken", isStale: true }], LIVE.connection).story).toEqual(["woken: connecting, connect"]);
  expect(told([{ type: "woken", isStale: false }], LIVE.connection).story).toEqual(["woken: live, nothing"]);
});

test("a refusal is not tried again by itself; asking again is", () => {
  const { connection, story } = told([{ type: "refused", problem: PROBLEM }, { type: "timer" }], LIVE.connection);
  expect(story).toEqual(["refused: refused, disconnect", "timer: refused, nothing"]);
  expect(connection.problem).toEqual(PROBLEM);
  expect(told([{ type: "wanted" }], connection).story).toEqual(["wanted: connecting, connect"]);
});

test("nobody looks: the connection ends, also one that waits", () => {
  expect(told([{ type: "unwanted" }], LIVE.connection)).toMatchObject({ connection: IDLE });
  expect(told([{ type: "cut" }, { type: "unwanted" }, { type: "timer" }], LIVE.connection).story.slice(1)).toEqual([
    "unwanted: idle, disconnect",
    "timer: idle, nothing",
  ]);
});

test("what an ended connection still has to say changes nothing", () => {
  const late: Happening[] = [{ type: "opened" }, { type: "caught_up" }, { type: "cut" }];
  expect(told(late).connection).toEqual(IDLE);
});

test("pauses are spread, and have an end", () => {
  expect([pauseMs(1, 0), pauseMs(1, 0.999) < 250, pauseMs(99, 1)]).toEqual([0, true, PAUSE_MS_MAX]);
});
