// Lines above the composer: what keeps the conversation from going on.

import { type StreamingChat, useConnection } from "@threadline/client/react";
import { strings } from "../strings.ts";

export function Notices({ chat }: { readonly chat: StreamingChat }) {
  const { phase, failures, problem } = useConnection();
  const words = {
    offline: strings.shell.offline,
    waiting: strings.shell.reconnecting,
    refused: problem?.detail ?? null,
  };
  const isWorthSaying = phase === "offline" || phase === "refused" || (phase === "waiting" && failures > 1);
  return (
    <p role="status" className="mb-2 text-sm text-soft empty:hidden">
      {isWorthSaying ? words[phase as keyof typeof words] : chat.problem?.detail}
    </p>
  );
}
