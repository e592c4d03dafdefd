// The list of those who can be called, while a call is being written.

import { type KeyboardEvent, type RefObject, useId, useState } from "react";
import { type Callable, callBefore, meant, withCall } from "./mentions.ts";

export interface Mentions {
  readonly listId: string;
  readonly found: readonly Callable[];
  /** The place of the one that Enter would take. */
  readonly current: number;
  readonly optionId: (place: number) => string;
  readonly choose: (place: number) => void;
  /** To be told where the caret is. */
  readonly look: (caret: number) => void;
  /** True where the key was for the list. */
  readonly onKeyDown: (event: KeyboardEvent) => boolean;
}

export function useMentions(
  text: string,
  field: RefObject<HTMLTextAreaElement | null>,
  all: readonly Callable[],
  write: (text: string) => void,
): Mentions {
  const listId = useId();
  const [caret, setCaret] = useState(-1);
  const [place, setPlace] = useState(0);
  const [leftAt, setLeftAt] = useState<number | null>(null);
  const call = caret < 0 ? null : callBefore(text, caret);
  const found = call === null || call.at === leftAt ? [] : meant(all, call.said);
  const current = Math.min(place, found.length - 1);
  const choose = (at: number) => {
    const chosen = found[at];
    if (call === null || chosen === undefined) return;
    const next = withCall(text, call, chosen.handle);
    write(next.text);
    setCaret(-1);
    setPlace(0);
    // Once the words are in the field.
    requestAnimationFrame(() => {
      field.current?.focus();
      field.current?.setSelectionRange(next.caret, next.caret);
    });
  };
  const step = (by: number) => setPlace((current + by + found.length) % found.length);
  const deeds: Readonly<Record<string, () => void>> = {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    Enter: () => choose(current),
    Tab: () => choose(current),
    Escape: () => setLeftAt(call?.at ?? null),
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const deed = deeds[event.key];
    if (found.length === 0 || deed === undefined || event.shiftKey || event.nativeEvent.isComposing) return false;
    event.preventDefault();
    deed();
    return true;
  };
  const look = (at: number) => {
    setCaret(at);
    if (at !== caret) setPlace(0);
    const here = callBefore(field.current?.value ?? "", at)?.at;
    // A key and the caret that it moves are heard of in one go.
    setLeftAt((left) => (left === here ? left : null));
  };
  return { listId, found, current, optionId: (at) => `${listId}-${at}`, choose, look, onKeyDown };
}
