// The place to write, the same for a first question and for the next one.

import { ArrowUp, Square } from "lucide-react";
import { type FormEvent, type KeyboardEvent, type ReactNode, useEffect, useId, useRef } from "react";
import { strings } from "../strings.ts";
import { IconButton } from "../ui/button.tsx";
import { isTouch } from "../ui/touch.ts";
import { NOTHING } from "./drafts.ts";
import { Field } from "./field.tsx";
import { deedOf } from "./keys.ts";
import { roomFor } from "./limits.ts";
import { useDraft, useDrafts } from "./use-draft.ts";

interface Props {
  /** Where the draft belongs: a thread's id, or a name. */
  readonly place: string;
  /** Resolves when the words are safe on this device; they come back where it rejects. */
  readonly onSend: (text: string) => Promise<unknown>;
  readonly isBusy?: boolean;
  readonly onStop?: () => void;
  readonly onEditLast?: () => void;
  /** To be called with every change. */
  readonly onTyping?: (isTyping: boolean) => void;
  /** What stands beside the buttons. */
  readonly children?: ReactNode;
}

export function Box({ place, onSend, isBusy = false, onStop, onEditLast, onTyping, children }: Props) {
  const [draft, setDraft] = useDraft(place);
  const drafts = useDrafts();
  const field = useRef<HTMLTextAreaElement>(null);
  const lengthId = useId();
  const room = roomFor(draft.text);
  const isEmpty = draft.text.trim() === "";
  useEffect(() => {
    // On a phone the keyboard would cover what one came to read.
    if (!isTouch()) field.current?.focus();
  }, []);
  const write = (text: string) => {
    setDraft({ ...draft, text });
    onTyping?.(text !== "");
  };
  const send = async (event?: FormEvent) => {
    event?.preventDefault();
    field.current?.focus();
    if (isEmpty || room.isOver) return;
    drafts.set(place, NOTHING);
    onTyping?.(false);
    await onSend(draft.text).catch(() => drafts.giveBack(place, draft));
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    const { isComposing, keyCode } = event.nativeEvent;
    const { key, shiftKey, ctrlKey, metaKey, altKey } = event;
    const deed = deedOf(
      { key, shiftKey, ctrlKey, metaKey, altKey, isComposing, keyCode },
      { isTouch: isTouch(), isEmpty: draft.text === "", isBusy },
    );
    if (deed === null) return;
    event.preventDefault();
    if (deed === "send") void send();
    else if (deed === "stop") onStop?.();
    else onEditLast?.();
  };
  return (
    <form
      onSubmit={(event) => void send(event)}
      className="rounded-3xl border border-line bg-ground shadow-sm transition-colors focus-within:border-accent"
    >
      <Field
        ref={field}
        aria-label={strings.composer.write}
        aria-describedby={room.words === null ? undefined : lengthId}
        aria-invalid={room.isOver}
        placeholder={strings.composer.write}
        enterKeyHint={isTouch() ? "enter" : "send"}
        value={draft.text}
        onChange={(event) => write(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <p id={lengthId} role="status" className={`px-4 text-sm empty:hidden ${room.isOver ? "text-bad" : "text-soft"}`}>
        {room.words}
      </p>
      <div className="flex items-center gap-1 p-2">
        {children}
        <span className="ms-auto" />
        {isBusy && onStop !== undefined && (
          <IconButton label={strings.composer.stop} onClick={onStop} className="rounded-full! border border-line">
            <Square aria-hidden className="size-3.5 fill-current" />
          </IconButton>
        )}
        <IconButton
          type="submit"
          label={isBusy ? strings.composer.queue : strings.composer.send}
          disabled={isEmpty || room.isOver}
          className="rounded-full! bg-accent! text-ground! hover:opacity-90 disabled:bg-line! disabled:text-soft! disabled:opacity-100!"
        >
          <ArrowUp aria-hidden className="size-4.5" />
        </IconButton>
      </div>
    </form>
  );
}
