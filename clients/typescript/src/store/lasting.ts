// A store that lasts if it can: a browser may refuse its database (a private window, a full disk), and a chat goes on
// without one.

import type { Store } from "./contract.ts";
import { MemoryStore } from "./memory.ts";

type Verb = (...asked: readonly unknown[]) => unknown;

/** `first` is used if its `list` can be read at all. */
export function lastingStore(first: Store, other: Store = new MemoryStore()): Store {
  const chosen = first.list().then(
    () => first,
    () => other,
  );
  const get =
    (_: Store, verb: keyof Store) =>
    async (...asked: readonly unknown[]) => {
      const store = await chosen;
      return (store[verb] as Verb).call(store, ...asked);
    };
  return new Proxy(first, { get });
}
