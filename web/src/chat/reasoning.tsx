// What a model thought aloud, folded.

import { strings } from "../strings.ts";
import { Markdown } from "./markdown/markdown.tsx";
import { spanOf } from "./span.ts";
import { secondsOf } from "./words.ts";

interface Props {
  /** Of this block, among all. */
  readonly name: string;
  readonly text: string;
  readonly isOpen: boolean;
}

export function Reasoning({ name, text, isOpen }: Props) {
  const ms = spanOf(name, isOpen);
  if (text === "") return null;
  return (
    <details className="reasoning">
      <summary>{isOpen ? strings.chat.thinks : titleOf(ms)}</summary>
      <Markdown text={text} isOpen={isOpen} />
    </details>
  );
}

function titleOf(ms: number | null): string {
  return ms === null ? strings.chat.reasoning : strings.chat.thought(secondsOf(ms));
}
