// What somebody may do in a conversation.

import type { Member } from "@threadline/client";

export const ROLES = ["owner", "member", "viewer"] as const;

export interface Rights {
  readonly role: Member["role"];
  /** Send, change the thread, and stop runs. */
  readonly mayChange: boolean;
  /** Say who takes part, and delete. */
  readonly isOwner: boolean;
}

/** The rights of a person; where nobody was invited it is one's own conversation. */
export function rightsOf(members: readonly Member[], endUserId: string | null): Rights {
  const own = members.find((member) => member.end_user_id !== null && member.end_user_id === endUserId);
  const role = own?.role ?? (members.length === 0 ? "owner" : "viewer");
  return { role, mayChange: role !== "viewer", isOwner: role === "owner" };
}

/** The name of a member: the one of this room, else the one it is known by. */
export function nameOf({ name, handle, end_user_id, agent_id }: Member): string {
  return name ?? handle ?? end_user_id ?? agent_id ?? "";
}

/** One or two letters for a picture of somebody. */
export function initialsOf(name: string): string {
  const words = name.split(/[\s._-]+/u).filter((word) => word !== "");
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return letters.map((word) => [...(word ?? "?")][0]?.toUpperCase()).join("");
}
