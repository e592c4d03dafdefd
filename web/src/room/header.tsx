// The head of a conversation: its title, who takes part, and what can be done with it.

import type { StreamingChat } from "@threadline/client/react";
import { strings } from "../strings.ts";
import { useReadMark } from "./read.ts";

interface Props {
  readonly id: string;
  readonly chat: StreamingChat;
}

export function ThreadHeader({ id, chat }: Props) {
  useReadMark(id, chat.status === "ready");
  return (
    <header className="flex items-center gap-2 border-b border-line px-4 py-2">
      <h1 dir="auto" className="truncate font-semibold">
        {chat.thread?.title ?? strings.sidebar.untitled}
      </h1>
    </header>
  );
}
