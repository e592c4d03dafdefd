// One conversation: its head, its messages, what there is to say about them, and the place to write.

import { useStreamingChat } from "@threadline/client/react";
import { Composer } from "../composer/composer.tsx";
import { Notices } from "../composer/notices.tsx";
import { Queue } from "../composer/queue.tsx";
import { Gone } from "../room/gone.tsx";
import { ThreadHeader } from "../room/header.tsx";
import { Typing } from "../room/typing.tsx";
import { MessageList } from "./list.tsx";

export function ThreadPage({ id }: { readonly id: string }) {
  const chat = useStreamingChat(id);
  if (chat.status === "gone") {
    return <Gone id={id} />;
  }
  return (
    <main className="m-0 flex h-dvh w-full min-w-0 max-w-none flex-col p-0">
      <ThreadHeader id={id} chat={chat} />
      <MessageList threadId={id} chat={chat} />
      <div className="mx-auto w-full max-w-184 px-4 pb-4">
        <Typing threadId={id} members={chat.members} />
        <Notices chat={chat} />
        <Queue threadId={id} chat={chat} />
        <Composer threadId={id} chat={chat} />
      </div>
    </main>
  );
}
