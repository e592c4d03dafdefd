// What the server put into the page: who is signed in, and the thread of the address.

import type { Client, Snapshot } from "@threadline/client";
import { createContext, useContext } from "react";
import { placeOf } from "./address.ts";

export interface Session {
  readonly tenant: string;
  readonly end_user_id: string | null;
  readonly may_be: "end_user" | "server" | "admin" | "operator";
}

export interface FirstState {
  readonly session: Session;
  readonly state: Snapshot | null;
}

export function readFirstState(page: Document): FirstState {
  const template = page.querySelector<HTMLTemplateElement>("#first-state");
  if (template === null) throw new Error("The page came without its state.");
  return JSON.parse(template.content.textContent ?? "") as FirstState;
}

const SessionContext = createContext<Session | null>(null);
export const SessionProvider = SessionContext.Provider;

/** Who is signed in. */
export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error("There is no <SessionProvider> around this component.");
  return session;
}

/** Give the client the thread that came with the page, and take the server's words away once the app shows them. */
export function takeOver(client: Client, first: FirstState): void {
  const words = document.querySelector("#first-paint");
  const place = placeOf(location.pathname);
  if (place.page !== "thread") {
    words?.remove();
    return;
  }
  const thread = client.thread(place.threadId);
  if (first.state !== null) thread.begin(first.state);
  let isOver = false;
  const leaveOnceShown = () => {
    if (isOver || thread.view.get().status === "loading") return;
    isOver = true;
    // In the next frame: React has put the same words there by then.
    requestAnimationFrame(() => words?.remove());
    queueMicrotask(() => stop());
  };
  const stop = thread.view.subscribe(leaveOnceShown);
  leaveOnceShown();
}
