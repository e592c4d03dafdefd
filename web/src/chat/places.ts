// Where somebody was in a conversation: kept for as long as the page lives.

import type { CacheSnapshot } from "virtua";

export interface Left {
  /** The message at the top of the screen, and how far of it was beyond. */
  readonly key: string;
  readonly beyond: number;
  /** The sizes of so many messages. */
  readonly sizes: CacheSnapshot;
  readonly count: number;
}

const places = new Map<string, Left>();

/** Where one has left the thread; null at its end, or for the first time. */
export function placeLeft(threadId: string): Left | null {
  return places.get(threadId) ?? null;
}

export function leave(threadId: string, place: Left | null): void {
  if (place === null) places.delete(threadId);
  else places.set(threadId, place);
}
