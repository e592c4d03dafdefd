// A store that lasts as long as the process.

import type { Message, Thread } from "../types.ts";
import type { KeptThread, Outgoing, Store } from "./contract.ts";

export class MemoryStore implements Store {
  #list: readonly Thread[] = [];
  #order = 0;
  readonly #threads = new Map<string, { kept: KeptThread; messages: Map<string, Message> }>();
  readonly #outbox = new Map<string, Outgoing>();

  async list(): Promise<readonly Thread[]> {
    return this.#list;
  }

  async keepList(threads: readonly Thread[]): Promise<void> {
    this.#list = threads;
  }

  async thread(id: string): Promise<{ kept: KeptThread; messages: readonly Message[] } | undefined> {
    const found = this.#threads.get(id);
    return found && { kept: found.kept, messages: [...found.messages.values()] };
  }

  async keep(kept: KeptThread, changed: readonly Message[]): Promise<void> {
    const before = this.#threads.get(kept.id);
    if (before !== undefined && before.kept.seq > kept.seq) return;
    const messages = before?.messages ?? new Map<string, Message>();
    for (const message of changed) messages.set(message.id, message);
    this.#threads.set(kept.id, { kept, messages });
  }

  async forget(threadId: string): Promise<void> {
    this.#threads.delete(threadId);
  }

  async outbox(): Promise<readonly Outgoing[]> {
    return [...this.#outbox.values()];
  }

  async enqueue(outgoing: Omit<Outgoing, "order">): Promise<Outgoing> {
    this.#order += 1;
    const placed = { ...outgoing, order: this.#order };
    this.#outbox.set(placed.key, placed);
    return placed;
  }

  async change(outgoing: Outgoing): Promise<boolean> {
    if (!this.#outbox.has(outgoing.key)) return false;
    this.#outbox.set(outgoing.key, outgoing);
    return true;
  }

  async drop(key: string): Promise<boolean> {
    return this.#outbox.delete(key);
  }

  async clear(): Promise<void> {
    this.#list = [];
    this.#threads.clear();
    this.#outbox.clear();
  }

  close(): void {}
}
