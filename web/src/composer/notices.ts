// What keeps a conversation from going on, and when it is worth saying. Pure.

import type { Agent, Connection, Member, Run, Shown } from "@threadline/client";
import { textOf } from "../chat/words.ts";
import { listed } from "../intl.ts";
import { strings } from "../strings.ts";

export interface Facts {
  readonly connection: Connection;
  readonly run: Run | null;
  /** The last line of the conversation. */
  readonly last: Shown | null;
  /** Agents that take part and answer nobody any more. */
  readonly archived: readonly Archived[];
}

export interface Archived {
  readonly name: string;
  readonly handle: string;
  /** It would have answered everything. */
  readonly isForAll: boolean;
}

export type Kind = "signed out" | "refused" | "offline" | "reconnecting" | "waits" | "anew" | "failed" | "archived";

export interface Notice {
  readonly kind: Kind;
  readonly words: string;
  /** When it is tried again, in milliseconds. */
  readonly retryAt?: number | null;
  /** The message that could be answered again. */
  readonly messageId?: string;
}

/** Of all there is to say, what matters most. */
export function noticeOf({ connection, run, last, archived }: Facts): Notice | null {
  return ofConnection(connection) ?? ofRun(run) ?? (run === null ? (ofLast(last) ?? ofArchived(last, archived)) : null);
}

export function ofConnection({ phase, failures, retryAt, problem }: Connection): Notice | null {
  if (phase === "refused" && problem?.status === 401)
    return { kind: "signed out", words: strings.composer.signedOutKept };
  if (phase === "refused") return { kind: "refused", words: problem?.detail || strings.composer.refusedByServer };
  if (phase === "offline") return { kind: "offline", words: strings.shell.offline };
  if (phase === "waiting" || failures > 0) return { kind: "reconnecting", words: strings.shell.reconnecting, retryAt };
  return null;
}

function ofRun(run: Run | null): Notice | null {
  if (run?.status === "waiting") {
    const { approvals = [], results = [] } = run.waiting_for ?? {};
    const words = approvals.length > 0 ? strings.composer.waitsForApproval : strings.composer.waitsForResult;
    const names = new Set((approvals.length > 0 ? approvals : results).map(({ name }) => name));
    return { kind: "waits", words: words(listed([...names])) };
  }
  // An attempt that ended without an error waited, or was handed more to answer: it loses no word.
  const replaced = run?.attempts.at(-2)?.error ?? null;
  return run?.status === "running" && replaced !== null ? { kind: "anew", words: strings.composer.anew } : null;
}

function ofLast(last: Shown | null): Notice | null {
  const message = last?.message;
  if (last?.delivery !== "stored" || message?.status !== "failed" || message.error?.retryable !== true) return null;
  return { kind: "failed", words: strings.composer.failed, messageId: message.id };
}

/** Those among the members; who is not known here may well answer. */
export function archivedOf(members: readonly Member[], agents: readonly Agent[]): readonly Archived[] {
  const found = new Map(agents.filter(({ archived }) => archived).map((agent) => [agent.id, agent]));
  return members.flatMap(({ agent_id, reply_policy }) => {
    const agent = found.get(agent_id ?? "");
    if (agent === undefined) return [];
    return [{ name: agent.name, handle: agent.handle, isForAll: (reply_policy ?? "all") === "all" }];
  });
}

// Without it nobody would know why there is no answer.
function ofArchived(last: Shown | null, archived: readonly Archived[]): Notice | null {
  if (last?.delivery !== "stored" || last.message.role !== "user") return null;
  const words = textOf(last.message.content).toLowerCase();
  const silent = archived.filter(({ handle, isForAll }) => isForAll || words.includes(`@${handle}`));
  if (silent.length === 0) return null;
  return { kind: "archived", words: strings.composer.archived(silent.map(({ name }) => name)) };
}

/** What is over sooner than this is not said. */
export const PATIENCE_MS = 1_000;

/** Shows a notice once it has held for a while, and takes it away at once. Two of a kind are the same notice. */
export class Patience {
  #wanted: Kind | null = null;
  #isShown = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #onChange: (isShown: boolean) => void;

  constructor(onChange: (isShown: boolean) => void) {
    this.#onChange = onChange;
  }

  want(kind: Kind | null): void {
    if (kind === this.#wanted) return;
    this.#wanted = kind;
    // What follows another one is said at once: something has been wrong for long enough.
    if (kind === null) this.#show(false);
    else if (!this.#isShown) this.#timer ??= setTimeout(() => this.#show(true), PATIENCE_MS);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #show(isShown: boolean): void {
    this.end();
    if (isShown === this.#isShown) return;
    this.#isShown = isShown;
    this.#onChange(isShown);
  }
}

/** Whole seconds until then; null where it is about to happen. */
export function secondsUntil(at: number | null | undefined, now: number): number | null {
  const seconds = Math.ceil(((at ?? 0) - now) / 1000);
  return seconds > 1 ? seconds : null;
}
