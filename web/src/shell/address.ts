// Where the app is. Going somewhere else is a step in the browser's history, and not a new page.

import { type MouseEvent, useSyncExternalStore } from "react";

export type Place =
  | { readonly page: "home" }
  | { readonly page: "thread"; readonly threadId: string }
  | { readonly page: "operator"; readonly section: string };

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  addEventListener("popstate", listener);
  return () => {
    listeners.delete(listener);
    removeEventListener("popstate", listener);
  };
}

/** The place that a path names. */
export function placeOf(path: string): Place {
  const [, first, second] = path.split("/");
  if (first === "t" && second) return { page: "thread", threadId: second };
  if (first === "operator") return { page: "operator", section: second ?? "" };
  return { page: "home" };
}

/** The path of the address; changes when somebody goes somewhere. */
export function usePath(): string {
  return useSyncExternalStore(subscribe, () => location.pathname);
}

export function pathOf(threadId: string): string {
  return `/t/${threadId}`;
}

export function goTo(path: string): void {
  if (path === location.pathname) return;
  history.pushState(null, "", path);
  for (const listener of [...listeners]) listener();
}

/** What makes a link go there within the app; with a modifier key it stays the browser's. */
export function follow(event: MouseEvent<HTMLAnchorElement>): void {
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0) return;
  event.preventDefault();
  goTo(new URL(event.currentTarget.href).pathname);
}
