// What keeps a conversation from going on, and when it is worth saying. Pure.

import type { Connection, Run, Shown } from "@threadline/client";
import { listed } from "../intl.ts";
import { strings } from "../strings.ts";

export interface Facts {
  readonly connection: Connection;
  readonly run: Run | null;
  /** The last line of the conversation. */
  readonly last: Shown | null;
}

export type Kind = "signed out" | "refused" | "offline" | "reconnecting" | "waits" | "anew" | "failed";

export interface Notice {
  readonly kind: Kind;
  readonly words: string;
  /** When it is tried again, in milliseconds. */
  readonly retryAt?: number | null;
  /** The message that could be answered again. */
  readonly messageId?: string;
}

/** Of all there is to say, what matters most. */
export function noticeOf({ connection, run, last }: Facts): Notice | null {
  return ofConnection(connection) ?? ofRun(run) ?? (run === null ? ofLast(last) : null);
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
