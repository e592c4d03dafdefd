// What a screen is given of a thread.

import type { Pending } from "./outbox.ts";
import type { Shown } from "./shown.ts";
import type { Member, Problem, Run, Thread } from "./types.ts";

/** `loading` until something is known; `gone` is deleted, or nobody's to see. */
export type ThreadStatus = "loading" | "ready" | "gone";

export interface ThreadView {
  readonly status: ThreadStatus;
  readonly thread: Thread | null;
  readonly messages: readonly Shown[];
  /** The run that has the turn. */
  readonly run: Run | null;
  /** The runs behind it, the next one first. */
  readonly queue: readonly Run[];
  /** Who takes part, in the order of their coming; empty where it is one person's own. */
  readonly members: readonly Member[];
  /** What was refused: to be sent again, or taken back. */
  readonly failed: readonly Pending[];
  /** There is more before the first message: `loadOlder`. */
  readonly hasOlder: boolean;
  /** Why it could not be loaded. */
  readonly problem: Problem | null;
}

/** A thread of which nothing is known yet. */
export const LOADING: ThreadView = {
  status: "loading",
  thread: null,
  messages: [],
  run: null,
  queue: [],
  members: [],
  failed: [],
  hasOlder: false,
  problem: null,
};
