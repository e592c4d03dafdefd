// Which thread the address names. Going to another one is a step in the browser's history, and not a new page.

import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  addEventListener("popstate", listener);
  return () => {
    listeners.delete(listener);
    removeEventListener("popstate", listener);
  };
}

function threadOfAddress(): string | null {
  return /^\/t\/([^/]+)$/.exec(location.pathname)?.[1] ?? null;
}

export function useThreadOfAddress(): string | null {
  return useSyncExternalStore(subscribe, threadOfAddress);
}

export function goTo(threadId: string | null): void {
  history.pushState(null, "", threadId === null ? "/" : `/t/${threadId}`);
  for (const listener of [...listeners]) listener();
}
