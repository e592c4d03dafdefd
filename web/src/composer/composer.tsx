// The place to write in a conversation.

import { type StreamingChat, useClient, usePresence } from "@threadline/client/react";
import { useState } from "react";
import { isOwn } from "../chat/words.ts";
import { useSession } from "../shell/first-state.ts";
import { strings } from "../strings.ts";
import { useAgents } from "../ui/models.ts";
import { HintOfShortcuts } from "../ui/shortcuts.tsx";
import { Box } from "./box.tsx";
import { type Choice, choiceOf, fieldsOf } from "./choice.ts";
import { callableHere } from "./mentions.ts";
import { Picker } from "./picker.tsx";

interface Props {
  readonly threadId: string;
  readonly chat: StreamingChat;
}

export function Composer({ threadId, chat }: Props) {
  const client = useClient();
  const session = useSession();
  const { setTyping } = usePresence(threadId);
  const [isUnchanged, setIsUnchanged] = useState(false);
  const choose = async (choice: Choice) => {
    setIsUnchanged(false);
    await client
      .thread(threadId)
      .update(fieldsOf(choice))
      .catch(() => setIsUnchanged(true));
  };
  const agents = useAgents();
  const callable = callableHere(chat.members, agents, session.end_user_id);
  // The list has the editor of a message: it opens as if by its button.
  const editLast = () => {
    const last = chat.messages.findLast(
      ({ message, delivery }) =>
        delivery === "stored" && message.role === "user" && isOwn(message, session.end_user_id),
    );
    const shown = document.querySelector(`[data-message="${last?.message.id}"]`);
    shown?.querySelector<HTMLElement>(`[aria-label="${strings.chat.edit}"]`)?.click();
  };
  const own = chat.members.find(({ end_user_id }) => end_user_id !== null && end_user_id === session.end_user_id);
  if (own?.role === "viewer")
    return <p className="py-3 text-center text-sm text-soft">{strings.composer.mayOnlyRead}</p>;
  return (
    <>
      <Box
        place={threadId}
        onSend={chat.send}
        isBusy={chat.run !== null}
        onStop={() => void chat.stop()}
        onEditLast={editLast}
        onTyping={setTyping}
        callable={callable}
      >
        <Picker choice={choiceOf(chat.thread)} onChoose={(choice) => void choose(choice)} />
        {isUnchanged && (
          <span role="alert" className="text-sm text-bad">
            {strings.composer.notChanged}
          </span>
        )}
      </Box>
      <p className="mt-2 hidden text-center text-xs text-soft md:block">
        {strings.composer.hint} <HintOfShortcuts />
      </p>
    </>
  );
}
