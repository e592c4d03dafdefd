// Ways for a file to come in: a button, and dropping it anywhere on the page.

import { Paperclip } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { strings } from "../strings.ts";
import { IconButton } from "../ui/button.tsx";

interface Props {
  readonly onFiles: (files: readonly File[]) => void;
}

export function AttachButton({ onFiles }: Props) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={strings.composer.attach}
        onChange={({ target }) => {
          onFiles([...(target.files ?? [])]);
          // The same file may be chosen again.
          target.value = "";
        }}
      />
      <IconButton label={strings.composer.attach} onClick={() => input.current?.click()} className="rounded-full!">
        <Paperclip aria-hidden className="size-4.5" />
      </IconButton>
    </>
  );
}

export function DropPlace({ onFiles }: Props) {
  const [isOver, setIsOver] = useState(false);
  const latest = useRef(onFiles);
  useEffect(() => {
    latest.current = onFiles;
  });
  useEffect(() => {
    const stop = new AbortController();
    const { signal } = stop;
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") === true;
    const over = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setIsOver(true);
    };
    const drop = (event: DragEvent) => {
      setIsOver(false);
      if (!hasFiles(event)) return;
      // Else the browser would leave the page for the file.
      event.preventDefault();
      latest.current([...(event.dataTransfer?.files ?? [])]);
    };
    const leave = (event: DragEvent) => event.relatedTarget === null && setIsOver(false);
    addEventListener("dragenter", over, { signal });
    addEventListener("dragover", over, { signal });
    addEventListener("dragleave", leave, { signal });
    addEventListener("drop", drop, { signal });
    return () => stop.abort();
  }, []);
  if (!isOver) return null;
  return (
    <div className="pointer-events-none fixed inset-0 z-40 grid place-items-center bg-ground/80 p-6 backdrop-blur-sm">
      <p className="rounded-3xl border-2 border-dashed border-accent bg-ground px-10 py-8 text-lg font-medium">
        {strings.composer.drop}
      </p>
    </div>
  );
}
