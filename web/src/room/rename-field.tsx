// A title that is being written, in the place where it stands. Enter and leaving keep it, Escape does not.

import { useRef, useState } from "react";
import { strings } from "../strings.ts";

interface Props {
  readonly title: string;
  readonly onDone: (title: string | null) => void;
  readonly className?: string;
}

export function RenameField({ title, onDone, className = "" }: Props) {
  const [text, setText] = useState(title);
  const isDone = useRef(false);
  const end = (kept: string | null) => {
    if (isDone.current) return;
    isDone.current = true;
    const isChanged = kept !== null && kept.trim() !== "" && kept.trim() !== title;
    onDone(isChanged ? kept.trim() : null);
  };
  return (
    <input
      // biome-ignore lint/a11y/noAutofocus: it takes the place of what was focused, at the wish of whoever did
      autoFocus
      aria-label={strings.room.newTitle}
      dir="auto"
      value={text}
      maxLength={200}
      onFocus={(event) => event.currentTarget.select()}
      onChange={(event) => setText(event.target.value)}
      onBlur={() => end(text)}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.nativeEvent.isComposing) return;
        if (event.key === "Enter") end(text);
        if (event.key === "Escape") end(null);
      }}
      className={`w-full min-w-0 rounded-md border border-accent bg-ground px-2 outline-none ${className}`}
    />
  );
}
