// The place to write in a conversation.

import { type StreamingChat, usePresence } from "@threadline/client/react";
import { strings } from "../strings.ts";
import { HintOfShortcuts } from "../ui/shortcuts.tsx";
import { Box } from "./box.tsx";

interface Props {
  readonly threadId: string;
  readonly chat: StreamingChat;
}

export function Composer({ threadId, chat }: Props) {
  const { setTyping } = usePresence(threadId);
  return (
    <>
      <Box
        place={threadId}
        onSend={(content) => chat.send(content)}
        isBusy={chat.run !== null}
        onStop={() => void chat.stop()}
        onTyping={setTyping}
      />
      <p className="mt-2 hidden text-center text-xs text-soft md:block">
        {strings.composer.hint} <HintOfShortcuts />
      </p>
    </>
  );
}
