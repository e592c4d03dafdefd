// Take a whole conversation home: all pages of its active branch, as one file.

import type { Client, Message, Thread } from "@threadline/client";
import { strings } from "../strings.ts";
import { say } from "../ui/toast.tsx";
import { fileNameOf, markdownOf } from "./exported.ts";

const PAGE = 200;

async function everyMessage(client: Client, thread: Thread): Promise<readonly Message[]> {
  const messages: Message[] = [];
  let cursor: string | null = null;
  do {
    const query = { limit: PAGE, order: "asc", ...(cursor === null ? {} : { cursor }) } as const;
    const asked = { path: { thread_id: thread.id }, query };
    const page: { data: readonly Message[]; next_cursor: string | null } = await client.call(
      "GET /v1/threads/{thread_id}/messages",
      asked,
    );
    messages.push(...page.data);
    cursor = page.next_cursor;
    if (cursor !== null) say(strings.room.exporting(messages.length, thread.message_count));
  } while (cursor !== null);
  return messages;
}

function authorOf({ author, model, role }: Message): string {
  if (role === "user") return author.name ?? author.id ?? strings.chat.you;
  return author.name ?? model ?? strings.chat.assistant;
}

/** Save a conversation as a file. Throws what `Http.call` throws. */
export async function download(client: Client, thread: Thread, kind: "md" | "json"): Promise<void> {
  const title = thread.title || strings.sidebar.untitled;
  const messages = await everyMessage(client, thread);
  const text = kind === "md" ? markdownOf(title, messages, authorOf) : JSON.stringify({ thread, messages }, null, 2);
  const type = kind === "md" ? "text/markdown;charset=utf-8" : "application/json";
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = fileNameOf(title, kind);
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
  say(strings.room.exported(messages.length));
}
