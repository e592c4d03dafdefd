// Whom one knows here, and whom one can invite. Pure.

import type { Member, Thread } from "@threadline/client";

/** More would be a list to read, and not a help. */
export const SUGGESTED_MAX = 6;

/** The people of these conversations and teams, each once, in that order, without oneself. */
export function peopleOf(
  me: string | null,
  threads: readonly Pick<Thread, "end_user_id">[],
  members: readonly { readonly end_user_id: string | null }[],
): readonly string[] {
  const ids = [...members, ...threads].map(({ end_user_id }) => end_user_id);
  return [...new Set(ids)].filter((id): id is string => id !== null && id !== me);
}

/** Who fits what was typed and does not take part yet; nobody once it is written out. */
export function suggestedOf(
  known: readonly string[],
  members: readonly Pick<Member, "end_user_id">[],
  typed: string,
): readonly string[] {
  const words = typed.trim().toLowerCase();
  if (known.some((id) => id === typed.trim())) return [];
  const free = known.filter((id) => !members.some(({ end_user_id }) => end_user_id === id));
  return free.filter((id) => id.toLowerCase().includes(words)).slice(0, SUGGESTED_MAX);
}

/** Why somebody cannot be invited; null where the server has to say. */
export function obstacleTo(
  id: string,
  members: readonly Pick<Member, "end_user_id">[],
  me: string | null,
): "nobody" | "yourself" | "there" | null {
  if (id === "") return "nobody";
  if (id === me) return "yourself";
  return members.some(({ end_user_id }) => end_user_id === id) ? "there" : null;
}
