// Who else is writing at this moment.

import type { Member } from "@threadline/client";
import { usePresence } from "@threadline/client/react";
import { useSession } from "../shell/first-state.ts";
import { strings } from "../strings.ts";
import { nameOf } from "./role.ts";

interface Props {
  readonly threadId: string;
  readonly members: readonly Member[];
}

export function Typing({ threadId, members }: Props) {
  const session = useSession();
  const { typing } = usePresence(threadId);
  const others = typing.filter((id) => id !== session.end_user_id);
  const names = others.map((id) => {
    const member = members.find((one) => one.end_user_id === id);
    return member === undefined ? id : nameOf(member);
  });
  return (
    <p role="status" dir="auto" className="mb-1 min-h-5 px-1 text-xs text-soft empty:min-h-0">
      {names.length > 0 && strings.room.typing(names)}
    </p>
  );
}
