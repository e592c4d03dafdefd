// Puts a question otherwise, in its place.

import type { ShownMessage } from "@threadline/client";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { strings } from "../strings.ts";
import { Button } from "../ui/button.tsx";
import { useDeeds } from "./deeds.tsx";
import { textOf } from "./words.ts";

interface Props {
  readonly message: ShownMessage;
  readonly onDone: () => void;
}

export function Editor({ message, onDone }: Props) {
  const { edit } = useDeeds();
  const before = textOf(message.content);
  const [text, setText] = useState(before);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => field.current?.focus(), []);
  const save = () => {
    if (text.trim() === "") return;
    onDone();
    if (text === before) return;
    // Its pictures and files stay with it.
    const rest = message.content.filter((block) => block.type === "image" || block.type === "file");
    void edit(message.id, rest.length === 0 ? text : [{ type: "text", text }, ...rest]);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Escape") onDone();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save();
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <textarea
        ref={field}
        aria-label={strings.chat.editing}
        dir="auto"
        rows={Math.min(12, text.split("\n").length + 1)}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
        className="w-full resize-none bg-transparent outline-none"
      />
      <div className="mt-2 flex justify-end gap-2">
        <Button onClick={onDone}>{strings.chat.cancel}</Button>
        <Button kind="primary" type="submit">
          {strings.chat.save}
        </Button>
      </div>
    </form>
  );
}
