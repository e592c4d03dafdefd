// What the server put into the page: who is signed in, and the thread of the address.

import type { Thread } from "@threadline/client";

export interface Session {
  readonly tenant: string;
  readonly end_user_id: string | null;
  readonly may_be: "end_user" | "server" | "admin" | "operator";
}

export interface FirstState {
  readonly session: Session;
  readonly state: { readonly thread: Thread; readonly seq: number } | null;
}

export function readFirstState(page: Document): FirstState {
  const template = page.querySelector<HTMLTemplateElement>("#first-state");
  if (template === null) throw new Error("The page came without its state.");
  return JSON.parse(template.content.textContent ?? "") as FirstState;
}
