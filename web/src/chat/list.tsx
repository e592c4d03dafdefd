// The messages, as they come.

import type { Shown } from "@threadline/client";
import type { StreamingChat } from "@threadline/client/react";
import { strings } from "../strings.ts";
import { Button } from "../ui/button.tsx";
import { BlockOf } from "./block.tsx";

export function MessageList({ chat }: { readonly chat: StreamingChat }) {
  const { messages, hasOlder, loadOlder } = chat;
  return (
    <div className="min-h-0 flex-1 overflow-y-auto">
      <div className="mx-auto max-w-184 px-4">
        {hasOlder && <Button onClick={() => void loadOlder()}>{strings.chat.older}</Button>}
        {messages.map((shown) => (
          <MessageOf key={shown.key} shown={shown} />
        ))}
      </div>
    </div>
  );
}

function MessageOf({ shown }: { readonly shown: Shown }) {
  const { message, delivery } = shown;
  const note = { stored: null, queued: strings.chat.waits, pending: strings.chat.sending }[delivery];
  return (
    <article className={`message ${message.role}`} aria-busy={message.status === "streaming"}>
      <header>
        {message.author.name ?? message.model ?? message.role}
        {note !== null && ` · ${note}`}
      </header>
      <div className="content" dir="auto">
        {(message.content ?? []).map((block, place) => (
          <BlockOf
            // biome-ignore lint/suspicious/noArrayIndexKey: a block is known by its place, as the log names it
            key={place}
            block={block}
            isPerson={message.role === "user"}
            isOpen={message.status === "streaming"}
          />
        ))}
        {message.error != null && <p className="error">{message.error.message}</p>}
      </div>
    </article>
  );
}
