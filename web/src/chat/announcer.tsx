// What a screen reader says of an answer: that it begins, and how it ends. Its words are there to be read.

import type { StreamingChat } from "@threadline/client/react";
import { useEffect, useRef, useState } from "react";
import { strings } from "../strings.ts";

export function Announcer({ chat }: { readonly chat: StreamingChat }) {
  const { current, messages } = chat;
  const id = current?.message.id ?? null;
  const before = useRef<string | null>(null);
  const [words, setWords] = useState("");
  useEffect(() => {
    if (id === before.current) return;
    const ended = messages.findLast(({ message }) => message.id === before.current)?.message;
    before.current = id;
    if (id !== null) setWords(strings.chat.begins);
    else if (ended !== undefined) setWords(strings.chat.ends[ended.status]);
  }, [id, messages]);
  return (
    <p role="status" aria-live="polite" className="sr-only">
      {words}
    </p>
  );
}
