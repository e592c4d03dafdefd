// What a key means where one writes. Pure.

export interface Key {
  readonly key: string;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  /** An input method is putting a word together: its keys are its own. */
  readonly isComposing: boolean;
  readonly keyCode: number;
}

export interface Situation {
  /** Written with the thumbs: there Enter breaks the line, and a button sends. */
  readonly isTouch: boolean;
  readonly isEmpty: boolean;
  readonly isBusy: boolean;
}

export type Deed = "send" | "stop" | "edit last";

// Safari ends a composition before it tells of the key that ended it, with this code.
const OF_THE_INPUT_METHOD = 229;

export function deedOf(key: Key, { isTouch, isEmpty, isBusy }: Situation): Deed | null {
  if (key.isComposing || key.keyCode === OF_THE_INPUT_METHOD || key.altKey) return null;
  const isCommand = key.ctrlKey || key.metaKey;
  switch (key.key) {
    case "Enter":
      if (key.shiftKey) return null;
      return isCommand || !isTouch ? "send" : null;
    case "Escape":
      return isBusy && !isCommand && !key.shiftKey ? "stop" : null;
    case "ArrowUp":
      return isEmpty && !isCommand && !key.shiftKey ? "edit last" : null;
    default:
      return null;
  }
}
