// A store that lasts if it can: a browser may refuse its database (a private window, a full disk), and a chat goes on
// without one.

import type { Message, Thread } from "../types.ts";
import type { KeptThread, Outgoing, Store } from "./contract.ts";
import { MemoryStore } from "./memory.ts";

export class LastingStore implements Store {
  readonly #chosen: Promise<Store>;

  /** `first` is used if its `list` can be read at all. */
  constructor(first: Store, other: Store = new MemoryStore()) {
    this.#chosen = first.list().then(
      () => first,
      () => other,
    );
  }

  async list(): Promise<readonly Thread[]> {
    return (await this.#chosen).list();
  }

  async keepList(threads: readonly Thread[]): Promise<void> {
    return (await this.#chosen).keepList(threads);
  }

  async thread(id: string): ReturnType<Store["thread"]> {
    return (await this.#chosen).thread(id);
  }

  async keep(kept: KeptThread, changed: readonly Message[]): Promise<void> {
    return (await this.#chosen).keep(kept, changed);
  }

  async forget(threadId: string): Promise<void> {
    return (await this.#chosen).forget(threadId);
  }

  async outbox(): Promise<readonly Outgoing[]> {
    return (await this.#chosen).outbox();
  }

  async enqueue(outgoing: Omit<Outgoing, "order">): Promise<Outgoing> {
    return (await this.#chosen).enqueue(outgoing);
  }

  async change(outgoing: Outgoing): Promise<boolean> {
    return (await this.#chosen).change(outgoing);
  }

  async drop(key: string): Promise<boolean> {
    return (await this.#chosen).drop(key);
  }

  async clear(): Promise<void> {
    return (await this.#chosen).clear();
  }

  close(): void {
    void this.#chosen.then((store) => store.close());
  }
}
