// The place to write, the same for a first question and for the next one.

import type { SendOptions } from "@threadline/client";
import { ArrowUp, Square } from "lucide-react";
import {
  type ClipboardEvent,
  type FormEvent,
  type KeyboardEvent,
  type ReactNode,
  Suspense,
  useEffect,
  useId,
  useRef,
} from "react";
import { strings } from "../strings.ts";
import { IconButton } from "../ui/button.tsx";
import { later } from "../ui/later.tsx";
import { isTouch } from "../ui/touch.ts";
import { AttachButton, DropPlace } from "./attach.tsx";
import { Field } from "./field.tsx";
import { Files } from "./files.tsx";
import { deedOf } from "./keys.ts";
import { MentionList } from "./mention-list.tsx";
import type { Callable } from "./mentions.ts";
import { useMentions } from "./use-mentions.ts";
import { type OnSend, useWriting } from "./use-writing.ts";

// Only whoever writes into an answer needs it.
const BusyMenu = later(() => import("./busy-menu.tsx"), { isQuiet: true });

interface Props {
  /** Where the draft belongs: a thread's id, or a name. */
  readonly place: string;
  /** Resolves when it is safe on this device; words and files come back where it rejects. */
  readonly onSend: OnSend;
  readonly isBusy?: boolean;
  readonly onStop?: () => void;
  readonly onEditLast?: () => void;
  /** To be called with every change. */
  readonly onTyping?: (isTyping: boolean) => void;
  /** Whom one can call here. */
  readonly callable: readonly Callable[];
  /** What stands beside the buttons. */
  readonly children?: ReactNode;
}

export function Box({ place, onSend, isBusy = false, onStop, onEditLast, onTyping, callable, children }: Props) {
  const writing = useWriting(place, onSend);
  const { draft, room, problem, canSend, uploads } = writing;
  const field = useRef<HTMLTextAreaElement>(null);
  const noteId = useId();
  const note = problem ?? room.words;
  useEffect(() => {
    // On a phone the keyboard would cover what one came to read.
    if (!isTouch()) field.current?.focus();
  }, []);
  const write = (text: string) => {
    writing.write(text);
    onTyping?.(text !== "");
  };
  const mentions = useMentions(draft.text, field, callable, write);
  const isCalling = mentions.found.length > 0;
  const send = (options?: SendOptions) => {
    field.current?.focus();
    if (writing.send(options)) onTyping?.(false);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    send();
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (mentions.onKeyDown(event)) return;
    const { isComposing, keyCode } = event.nativeEvent;
    const { key, shiftKey, ctrlKey, metaKey, altKey } = event;
    const deed = deedOf(
      { key, shiftKey, ctrlKey, metaKey, altKey, isComposing, keyCode },
      { isTouch: isTouch(), isEmpty: draft.text === "", isBusy },
    );
    if (deed === null) return;
    event.preventDefault();
    if (deed === "send") send();
    else if (deed === "stop") onStop?.();
    else onEditLast?.();
  };
  const onPaste = (event: ClipboardEvent) => {
    const { files } = event.clipboardData;
    // Words from an office come with a picture of themselves.
    if (files.length === 0 || event.clipboardData.getData("text/plain") !== "") return;
    event.preventDefault();
    uploads.add([...files]);
  };
  return (
    <form
      onSubmit={submit}
      className="relative rounded-3xl border border-line bg-ground shadow-sm transition-colors focus-within:border-accent"
    >
      <DropPlace onFiles={(files) => uploads.add(files)} />
      <MentionList mentions={mentions} />
      <Files writing={writing} />
      <Field
        ref={field}
        aria-label={strings.composer.write}
        aria-describedby={note === null ? undefined : noteId}
        aria-invalid={room.isOver}
        aria-autocomplete="list"
        aria-haspopup="listbox"
        aria-controls={isCalling ? mentions.listId : undefined}
        aria-activedescendant={isCalling ? mentions.optionId(mentions.current) : undefined}
        placeholder={strings.composer.write}
        enterKeyHint={isTouch() ? "enter" : "send"}
        value={draft.text}
        onChange={(event) => {
          write(event.target.value);
          mentions.look(event.target.selectionStart);
        }}
        onSelect={({ currentTarget }) => mentions.look(currentTarget.selectionStart)}
        onKeyDown={onKeyDown}
        onPaste={onPaste}
      />
      <p id={noteId} role="status" className={`px-4 text-sm empty:hidden ${room.isOver ? "text-bad" : "text-soft"}`}>
        {note}
      </p>
      <div className="flex items-center gap-1 p-2">
        <AttachButton onFiles={(files) => uploads.add(files)} />
        {children}
        <span className="ms-auto" />
        {isBusy && onStop !== undefined && (
          <IconButton label={strings.composer.stop} onClick={onStop} className="rounded-full! border border-line">
            <Square aria-hidden className="size-3.5 fill-current" />
          </IconButton>
        )}
        {isBusy && canSend && (
          <Suspense>
            <BusyMenu onSend={(on_busy) => send({ on_busy })} />
          </Suspense>
        )}
        <IconButton
          type="submit"
          label={isBusy ? strings.composer.queue : strings.composer.send}
          disabled={!canSend}
          className="rounded-full! bg-accent! text-ground! hover:opacity-90 disabled:bg-line! disabled:text-soft! disabled:opacity-100!"
        >
          <ArrowUp aria-hidden className="size-4.5" />
        </IconButton>
      </div>
    </form>
  );
}
