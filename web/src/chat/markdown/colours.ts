// The colours of code, line by line: a line that came in full is never read again, however long its code grows.

import { useEffect, useReducer, useRef } from "react";
import type { Reader } from "./reader.ts";

/** The words of one line, each with what it is. */
export interface Colours {
  readonly line: string;
  readonly tokens: readonly (readonly [kind: string, word: string])[];
}

/** Of a frame's 16 ms; the rest is for whoever scrolls. */
const SLICE_MS = 5;
const LINES_MAX = 3_000;

/** What is known of the lines so far; more comes by itself. */
export function useColours(lines: readonly string[], language: string | null): readonly Colours[] {
  const known = useRef<Colours[]>([]);
  const reader = useRef<Reader | null>(null);
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    if (language === null || lines.length > LINES_MAX) return;
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const goOn = () => {
      if (isOver || reader.current === null) return;
      if (readFor(SLICE_MS, reader.current, lines, known.current)) redraw();
      if (known.current.length < lines.length || known.current.at(-1)?.line !== lines.at(-1)) {
        timer = setTimeout(goOn);
      }
    };
    const begin = async () => {
      if (reader.current === null) {
        const { readerOf } = await import("./reader.ts");
        reader.current ??= await readerOf(language);
      }
      goOn();
    };
    begin().catch(() => undefined); // Without colours it is still code.
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [lines, language]);
  return known.current;
}

/** Read on for some time; returns whether something has changed. */
function readFor(ms: number, reader: Reader, lines: readonly string[], known: Colours[]): boolean {
  const end = performance.now() + ms;
  let place = known.findIndex((one, at) => one.line !== lines[at]);
  if (place < 0) place = known.length;
  if (place >= lines.length) return false;
  known.length = place;
  for (; place < lines.length && performance.now() < end; place++) {
    known.push({ line: lines[place] ?? "", tokens: reader.read(place, lines[place] ?? "") });
  }
  return true;
}
