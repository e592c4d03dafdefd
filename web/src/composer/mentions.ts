// Whom one can call by `@handle`, and the call that is being written. Pure.

import type { Agent, Member } from "@threadline/client";

export interface Callable {
  readonly handle: string;
  readonly name: string | null;
  readonly isAgent: boolean;
}

/** A call that is being written: where its @ stands, and what stands behind it up to the caret. */
export interface Call {
  readonly at: number;
  readonly said: string;
}

// As the server reads it: not within a word, which is an address of something else.
const CALL = /(?<![\w@./-])@([\w-]*)$/;
const SHOWN_MAX = 8;

export function callBefore(text: string, caret: number): Call | null {
  const found = CALL.exec(text.slice(0, caret));
  return found === null ? null : { at: found.index, said: found[1] ?? "" };
}

/** In a room its members; elsewhere the agents that one may see. Nobody calls himself. */
export function callableHere(
  members: readonly Member[],
  agents: readonly Agent[],
  own: string | null,
): readonly Callable[] {
  if (members.length === 0) {
    return agents.filter((one) => !one.archived).map(({ handle, name }) => ({ handle, name, isAgent: true }));
  }
  return members.flatMap(({ handle, name, agent_id, end_user_id }) => {
    if (handle === null || (end_user_id !== null && end_user_id === own)) return [];
    return [{ handle, name, isAgent: agent_id !== null }];
  });
}

/** Those who may be meant: whose handle begins so first, then whose name does. */
export function meant(all: readonly Callable[], said: string): readonly Callable[] {
  const begin = said.toLowerCase();
  const rank = ({ handle, name }: Callable) => {
    if (handle.toLowerCase().startsWith(begin)) return 0;
    const words = (name ?? "").toLowerCase().split(/\s+/);
    return words.some((word) => word.startsWith(begin)) ? 1 : 2;
  };
  const found = all.filter((one) => rank(one) < 2);
  return found.sort((one, other) => rank(one) - rank(other)).slice(0, SHOWN_MAX);
}

/** The text with the call in full, and where the caret goes. */
export function withCall(text: string, call: Call, handle: string): { readonly text: string; readonly caret: number } {
  const before = `${text.slice(0, call.at)}@${handle} `;
  const after = text.slice(call.at + 1 + call.said.length);
  return { text: before + after.replace(/^ /, ""), caret: before.length };
}
