// A value that somebody watches: what a screen renders.

export type Unsubscribe = () => void;

/** The reading side, in the form that React's `useSyncExternalStore` takes. */
export interface Readable<Value> {
  readonly get: () => Value;
  readonly subscribe: (listener: () => void) => Unsubscribe;
}

/** The writing side. `onWatched` hears when the first listener comes and when the last one goes. */
export class Signal<Value> implements Readable<Value> {
  #value: Value;
  readonly #listeners = new Set<() => void>();
  readonly #onWatched: (isWatched: boolean) => void;

  constructor(value: Value, onWatched: (isWatched: boolean) => void = () => {}) {
    this.#value = value;
    this.#onWatched = onWatched;
  }

  get isWatched(): boolean {
    return this.#listeners.size > 0;
  }

  readonly get = (): Value => this.#value;

  readonly subscribe = (listener: () => void): Unsubscribe => {
    // Each subscription counts, also of the same function.
    const own = () => listener();
    this.#listeners.add(own);
    if (this.#listeners.size === 1) this.#onWatched(true);
    return () => {
      if (this.#listeners.delete(own) && this.#listeners.size === 0) this.#onWatched(false);
    };
  };

  set(value: Value): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const listener of [...this.#listeners]) listener();
  }
}
