// What a model thought aloud, folded.

import { useEffect } from "react";
import { strings } from "../strings.ts";
import { Markdown } from "./markdown/markdown.tsx";
import { secondsOf } from "./words.ts";

interface Props {
  /** Of this block, among all. */
  readonly name: string;
  readonly text: string;
  readonly isOpen: boolean;
}

/** When each began and ended, as seen from here: the log does not say. */
const seen = new Map<string, { readonly began: number; ended: number | null }>();

export function Reasoning({ name, text, isOpen }: Props) {
  if (isOpen && !seen.has(name)) seen.set(name, { began: performance.now(), ended: null });
  const times = seen.get(name);
  if (times !== undefined && !isOpen) times.ended ??= performance.now();
  useEffect(() => {
    // Whoever comes later than its beginning knows no time.
    if (seen.size > 500) seen.clear();
  }, []);
  if (text === "") return null;
  return (
    <details className="reasoning">
      <summary>
        {isOpen && strings.chat.thinks}
        {!isOpen &&
          (times?.ended == null ? strings.chat.reasoning : strings.chat.thought(secondsOf(times.ended - times.began)))}
      </summary>
      <Markdown text={text} isOpen={isOpen} />
    </details>
  );
}
