// Code: its words at once, its colours as soon as its language is there.

import { memo, useMemo } from "react";
import { strings } from "../../strings.ts";
import { CopyButton } from "../copy.tsx";
import { type Colours, useColours } from "./colours.ts";
import { languageOf } from "./languages.ts";

interface Props {
  readonly text: string;
  /** As it stands behind the fence. */
  readonly language: string;
}

export const CodeBlock = memo(function CodeBlock({ text, language }: Props) {
  const lines = useMemo(() => text.split("\n"), [text]);
  const colours = useColours(lines, languageOf(language));
  return (
    <div className="code" dir="ltr">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys */}
      <pre tabIndex={0}>
        <code>
          {lines.map((line, place) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a line is known by its number
            <Line key={place} text={place < lines.length - 1 ? `${line}\n` : line} colours={colours[place]} />
          ))}
        </code>
      </pre>
      <div className="corner">
        {language !== "" && <span aria-hidden>{language}</span>}
        <CopyButton text={text} label={strings.chat.copyCode} />
      </div>
    </div>
  );
});

interface LineProps {
  readonly text: string;
  readonly colours: Colours | undefined;
}

const Line = memo(function Line({ text, colours }: LineProps) {
  if (colours === undefined || !text.startsWith(colours.line)) return text;
  return (
    <>
      {colours.tokens.map(([kind, word], place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a word is known by its place
        <Word key={place} kind={kind} word={word} />
      ))}
      {text.slice(colours.line.length)}
    </>
  );
});

function Word({ kind, word }: { readonly kind: string; readonly word: string }) {
  return kind === "" ? word : <span className={`token-${kind}`}>{word}</span>;
}
