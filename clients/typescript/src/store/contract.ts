// What a store keeps: the last state of each thread with its cursor, the list, and what is still to be sent.

import type { CreateThread, Member, Message, Run, SendMessage, Thread } from "../types.ts";

/** A thread as it was at `seq`. Its messages are kept apart. */
export interface KeptThread {
  readonly id: string;
  readonly seq: number;
  readonly thread: Thread;
  readonly runs: readonly Run[];
  readonly members: readonly Member[];
}

/** A message on its way. `key` is its idempotency key: however often it is sent, it happens once. */
export interface Outgoing {
  readonly key: string;
  readonly thread_id: string;
  /** The thread that it begins, which is made first: until then `thread_id` is nobody's. */
  readonly create?: CreateThread;
  readonly body: SendMessage;
  /** Its place in the order of sending, over all tabs. */
  readonly order: number;
  readonly created_at: string;
  readonly status: "pending" | "failed";
  /** Why it failed, in words, and in the server's code. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

export interface Store {
  /** The list as it was last seen. */
  list(): Promise<readonly Thread[]>;
  keepList(threads: readonly Thread[]): Promise<void>;
  thread(id: string): Promise<{ readonly kept: KeptThread; readonly messages: readonly Message[] } | undefined>;
  /** Keep a thread and those of its messages that have changed, at once. What another tab knows better stays. */
  keep(kept: KeptThread, changed: readonly Message[]): Promise<void>;
  forget(threadId: string): Promise<void>;
  /** What is to be sent, in order. */
  outbox(): Promise<readonly Outgoing[]>;
  /** Put at the end, durably, before anybody hears of it. */
  enqueue(outgoing: Omit<Outgoing, "order">): Promise<Outgoing>;
  /** Change what is there still; false where it is not. */
  change(outgoing: Outgoing): Promise<boolean>;
  drop(key: string): Promise<boolean>;
  /** Forget everything, such as after signing out. */
  clear(): Promise<void>;
  close(): void;
}
