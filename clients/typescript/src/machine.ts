// The connection as a machine: what it is in, what has happened, and what is to be done. Pure: time, chance and the
// network are brought by whoever drives it (`link.ts`).

import type { Problem } from "./types.ts";

/**
 * - `idle`: nobody follows anything.
 * - `connecting`: a request is on its way. `catching_up`: it was answered, and what was missed is being read.
 * - `live`: everything up to now is known.
 * - `waiting`: it was cut, and is tried again at `retryAt`. `offline`: the device says that there is no network.
 * - `refused`: the server does not want us, and says why in `problem`; trying again by itself would not help.
 */
export type Phase = "idle" | "connecting" | "catching_up" | "live" | "waiting" | "offline" | "refused";

export interface Connection {
  readonly phase: Phase;
  /** Failures in a row. */
  readonly failures: number;
  /** When it is tried again, in milliseconds as `Date.now()` gives them. */
  readonly retryAt: number | null;
  readonly problem: Problem | null;
}

export type Happening =
  | { readonly type: "wanted" } // Somebody follows something, or something else than before.
  | { readonly type: "unwanted" }
  | { readonly type: "opened" }
  | { readonly type: "caught_up" }
  | { readonly type: "cut"; readonly retryAfterMs?: number }
  | { readonly type: "refused"; readonly problem: Problem }
  | { readonly type: "timer" }
  | { readonly type: "woken"; readonly isStale: boolean } // The page is looked at again.
  | { readonly type: "network"; readonly isOnline: boolean };

/** What is to be done next. `connect` takes the place of the connection that there is. */
export type Deed = "connect" | "disconnect" | "sleep" | "nothing";

export interface Step {
  readonly connection: Connection;
  readonly deed: Deed;
}

export const PAUSE_MS_FIRST = 250;
export const PAUSE_MS_MAX = 8_000;

export const IDLE: Connection = { phase: "idle", failures: 0, retryAt: null, problem: null };

/** Take a happening. `now` is in milliseconds, `chance` is from 0 up to 1. */
export function step(connection: Connection, happening: Happening, now: number, chance: number): Step {
  const { phase } = connection;
  switch (happening.type) {
    case "wanted":
      return phase === "offline" ? stay(connection) : connect(connection.failures);
    case "unwanted":
      return phase === "offline" ? stay(connection) : { connection: IDLE, deed: "disconnect" };
    case "network":
      return onNetwork(connection, happening.isOnline);
    case "woken":
      return phase === "waiting" || (isOpen(phase) && happening.isStale) ? connect(0) : stay(connection);
    case "timer":
      return phase === "waiting" ? connect(connection.failures) : stay(connection);
    default:
      return isOpen(phase) ? onAnswer(connection, happening, now, chance) : stay(connection);
  }
}

type AnswerHappening = Extract<Happening, { readonly type: "opened" | "caught_up" | "cut" | "refused" }>;

function onAnswer(connection: Connection, happening: AnswerHappening, now: number, chance: number): Step {
  switch (happening.type) {
    case "opened":
      return stay({ ...connection, phase: "catching_up" });
    case "caught_up":
      return stay({ ...IDLE, phase: "live" });
    case "refused":
      return { connection: { ...IDLE, phase: "refused", problem: happening.problem }, deed: "disconnect" };
    case "cut": {
      const failures = connection.failures + 1;
      const retryAt = now + pauseMs(failures, chance, happening.retryAfterMs);
      return { connection: { ...IDLE, phase: "waiting", failures, retryAt }, deed: "sleep" };
    }
  }
}

function onNetwork(connection: Connection, isOnline: boolean): Step {
  if (!isOnline) {
    return connection.phase === "idle"
      ? stay(connection)
      : { connection: { ...IDLE, phase: "offline" }, deed: "disconnect" };
  }
  return connection.phase === "offline" || connection.phase === "waiting" ? connect(0) : stay(connection);
}

function isOpen(phase: Phase): boolean {
  return phase === "connecting" || phase === "catching_up" || phase === "live";
}

function connect(failures: number): Step {
  return { connection: { ...IDLE, phase: "connecting", failures }, deed: "connect" };
}

function stay(connection: Connection): Step {
  return { connection, deed: "nothing" };
}

/**
 * The pause after so many failures: a random part of a ceiling that doubles, on top of what the server asked for. All
 * the clients of a server that restarts are cut in the same moment, and must not return in one.
 */
export function pauseMs(failures: number, chance: number, retryAfterMs = 0): number {
  return retryAfterMs + chance * Math.min(PAUSE_MS_MAX, PAUSE_MS_FIRST * 2 ** (failures - 1));
}
