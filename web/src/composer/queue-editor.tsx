// Rewrites what waits for its turn. Its turn may come meanwhile, and somebody else may rewrite it: no word is lost by it.

import { type FormEvent, useEffect, useRef, useState } from "react";
import { strings } from "../strings.ts";
import { Button } from "../ui/button.tsx";

/** `started`: it is being answered, and cannot be rewritten any more. */
export type Outcome = "done" | "started" | "failed";

interface Props {
  /** As it waits now. */
  readonly text: string;
  readonly onSave: (text: string) => Promise<Outcome>;
  readonly onLeft: (text: string) => void;
  readonly onClose: () => void;
}

export function QueueEditor({ text, onSave, onLeft, onClose }: Props) {
  const [before] = useState(text);
  const [words, setWords] = useState(text);
  const unsaved = useUnsaved(onLeft);
  const write = (next: string) => {
    setWords(next);
    unsaved.keep(next === before ? null : next);
  };
  const close = () => {
    unsaved.keep(null);
    onClose();
  };
  const save = async (event: FormEvent) => {
    event.preventDefault();
    if (words.trim() === "") return;
    // While the answer is on its way its turn may come: by then it may have been saved.
    unsaved.keep(null);
    const outcome = await onSave(words);
    if (outcome !== "done") unsaved.keep(words);
    if (outcome === "started") unsaved.leave();
    if (outcome !== "failed") onClose();
  };
  return (
    <li className="p-2">
      <form onSubmit={(event) => void save(event)} className="grid gap-2">
        <textarea
          // biome-ignore lint/a11y/noAutofocus: whoever opens it wants to write in it
          autoFocus
          aria-label={strings.composer.rewrite}
          dir="auto"
          rows={2}
          value={words}
          onChange={(event) => write(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape") close();
            else if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) void save(event);
          }}
          className="field-sizing-content max-h-[30dvh] resize-none rounded-xl border border-line bg-ground px-3 py-2 text-sm"
        />
        <p role="status" dir="auto" className="px-1 text-sm text-soft wrap-anywhere empty:hidden">
          {text === before ? "" : strings.composer.rewrittenMeanwhile(text)}
        </p>
        {/* Not at the end: what comes to lie there, under a second click, withdraws the message. */}
        <span className="flex gap-2">
          <Button kind="primary" type="submit" disabled={words.trim() === ""}>
            {strings.composer.save}
          </Button>
          <Button kind="plain" onClick={close}>
            {strings.composer.cancel}
          </Button>
        </span>
      </form>
    </li>
  );
}

/** Words that are handed on when the place where they are written goes away. */
function useUnsaved(onLeft: (text: string) => void) {
  const kept = useRef<string | null>(null);
  const hear = useRef(onLeft);
  hear.current = onLeft;
  const isGone = useRef(false);
  const leave = () => {
    if (kept.current !== null) hear.current(kept.current);
    kept.current = null;
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: at the end alone
  useEffect(() => {
    isGone.current = false;
    return () => {
      isGone.current = true;
      leave();
    };
  }, []);
  const keep = (words: string | null) => {
    kept.current = words;
    if (isGone.current) leave();
  };
  return { keep, leave };
}
