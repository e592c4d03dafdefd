// How much one may write: the server's bounds, said before it has to refuse. Pure.

import { strings } from "../strings.ts";

export const TEXT_CHARS_MAX = 1_000_000;
export const BLOCKS_MAX = 256;
/** What is left is said from here on. */
const NEAR = 0.9;

export interface Room {
  readonly words: string | null;
  readonly isOver: boolean;
}

/** What is to be said about the length of a text; the server counts code points. */
export function roomFor(text: string, max = TEXT_CHARS_MAX): Room {
  if (text.length < max * NEAR) return { words: null, isOver: false };
  let chars = 0;
  for (const _ of text) chars += 1;
  if (chars > max) return { words: strings.composer.tooLong(chars - max), isOver: true };
  return { words: strings.composer.charsLeft(max - chars), isOver: false };
}
