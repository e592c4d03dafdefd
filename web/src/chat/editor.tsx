// Puts a question otherwise, in its place.

import type { ShownMessage } from "@threadline/client";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useDrafts } from "../composer/use-draft.ts";
import { strings } from "../strings.ts";
import { Button } from "../ui/button.tsx";
import { isTouch } from "../ui/touch.ts";
import { useDeeds } from "./deeds.tsx";
import { textOf } from "./words.ts";

interface Props {
  readonly message: ShownMessage;
  readonly onDone: () => void;
}

export function Editor({ message, onDone }: Props) {
  const { threadId, edit } = useDeeds();
  const drafts = useDrafts();
  const before = textOf(message.content);
  const [text, setText] = useState(before);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    field.current?.focus();
    // One goes on where one's words end.
    field.current?.setSelectionRange(before.length, before.length);
  }, [before.length]);
  // The button that opened it is gone by now; a keyboard goes on in the place to write.
  const close = () => {
    onDone();
    if (!isTouch()) document.querySelector<HTMLElement>(`[aria-label="${strings.composer.write}"]`)?.focus();
  };
  const save = () => {
    if (text.trim() === "") return;
    close();
    if (text === before) return;
    // Its pictures and files stay with it.
    const rest = message.content.filter((block) => block.type === "image" || block.type === "file");
    const content = rest.length === 0 ? text : [{ type: "text" as const, text }, ...rest];
    // What is not even safe on this device goes where words are kept.
    edit(message.id, content).catch(() => drafts.giveBack(threadId, { text, files: [] }));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Escape") close();
    // As in the place to write: on a keyboard of glass Enter breaks the line.
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey || !(event.shiftKey || isTouch()))) return;
    event.preventDefault();
    save();
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
        rows={Math.min(12, text.split("\n").length)}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
        className="field-sizing-content block max-h-[50dvh] w-full resize-none bg-transparent outline-none"
      />
      <div className="mt-2 flex justify-end gap-2">
        <Button onClick={close}>{strings.chat.cancel}</Button>
        <Button kind="primary" type="submit">
          {strings.chat.save}
        </Button>
      </div>
    </form>
  );
}
