// What waits for its turn.

import type { StreamingChat } from "@threadline/client/react";

export function Queue({ chat }: { readonly chat: StreamingChat }) {
  if (chat.queue.length === 0) return null;
  return null;
}
