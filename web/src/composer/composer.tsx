// The place to write.

import type { StreamingChat } from "@threadline/client/react";
import { ArrowUp, Square } from "lucide-react";
import { type FormEvent, type KeyboardEvent, useState } from "react";
import { strings } from "../strings.ts";
import { IconButton } from "../ui/button.tsx";

interface Props {
  readonly threadId: string;
  readonly chat: StreamingChat;
}

export function Composer({ chat }: Props) {
  const [text, setText] = useState("");
  const send = (event?: FormEvent) => {
    event?.preventDefault();
    if (text.trim() === "") return;
    void chat.send(text);
    setText("");
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
      event.preventDefault();
      send();
    }
  };
  return (
    <form onSubmit={send} className="flex items-end gap-2 rounded-2xl border border-line bg-raised p-2">
      <textarea
        aria-label={strings.composer.write}
        placeholder={strings.composer.write}
        rows={2}
        dir="auto"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
        className="min-w-0 flex-1 resize-none bg-transparent px-2 py-1 outline-none"
      />
      {chat.run !== null && (
        <IconButton label={strings.composer.stop} onClick={() => void chat.stop()}>
          <Square aria-hidden className="size-4" />
        </IconButton>
      )}
      <IconButton type="submit" label={strings.composer.send}>
        <ArrowUp aria-hidden className="size-4" />
      </IconButton>
    </form>
  );
}
