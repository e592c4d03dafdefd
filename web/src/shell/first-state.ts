// What the server put into the page: who is signed in, the thread of the address, and what the models are called.

import type { Client, ModelPage, Snapshot } from "@threadline/client";
import { createContext, useContext } from "react";
import { forgetChoices } from "../chat/kept-choices.ts";
import { forgetDrafts } from "../composer/drafts.ts";
import { placeOf } from "./address.ts";

export interface Session {
  readonly tenant: string;
  readonly end_user_id: string | null;
  readonly may_be: "end_user" | "server" | "admin" | "operator";
}

export interface FirstState {
  /** Null in the shell that a service worker has kept: it is nobody's. */
  readonly session: Session | null;
  readonly state: Snapshot | null;
  readonly models: ModelPage | null;
}

export function readFirstState(page: Document): FirstState {
  const template = page.querySelector<HTMLTemplateElement>("#first-state");
  if (template === null) throw new Error("The page came without its state.");
  return JSON.parse(template.content.textContent ?? "") as FirstState;
}

const KEY = "threadline:session";

/** Who is signed in: as the page says, or, without a network, whoever was last on this device. */
export function sessionOf(first: FirstState): Session | null {
  if (first.session !== null) {
    localStorage.setItem(KEY, JSON.stringify(first.session));
    return first.session;
  }
  const kept = localStorage.getItem(KEY);
  return kept === null ? null : (JSON.parse(kept) as Session);
}

/** Sign out, here and on the server, and leave nothing behind on this device. */
export async function signOut(client: Client): Promise<void> {
  await fetch("/v1/session", { method: "DELETE" });
  localStorage.removeItem(KEY);
  await client.forget();
  forgetDrafts(localStorage);
  forgetChoices(localStorage);
  location.assign("/sign-in");
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
export function takeOver(client: Client, first: FirstState, app: Element): void {
  const words = document.querySelector("#first-paint");
  const place = placeOf(location.pathname);
  if (words === null || place.page !== "thread") {
    words?.remove();
    return;
  }
  const thread = client.thread(place.threadId);
  if (first.state !== null) thread.begin(first.state);
  // Before the next frame is painted: there is no moment with none of them, and none with both.
  const observer = new MutationObserver(() => {
    const { status, messages } = thread.view.get();
    const isEmpty = status !== "loading" && messages.length === 0;
    if (!isEmpty && !isVisible(app.querySelector("article"))) return;
    words.remove();
    observer.disconnect();
  });
  observer.observe(app, { childList: true, subtree: true, attributeFilter: ["style"] });
}

// A virtual list has its lines in the page before it shows them: it measures them first.
function isVisible(line: Element | null): boolean {
  return line !== null && getComputedStyle(line).visibility === "visible";
}
