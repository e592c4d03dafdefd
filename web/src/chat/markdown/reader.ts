// Reads code with the grammars of editors. No WebAssembly, which the page's policy does not allow.

import { createCssVariablesTheme, createHighlighterCore, type GrammarState } from "shiki/core";
import { createJavaScriptRegexEngine } from "shiki/engine/javascript";
import type { Colours } from "./colours.ts";
import { loadLanguage } from "./languages.ts";

const THEME = createCssVariablesTheme({ name: "words", variablePrefix: "--" });
/** Lines beyond it are data, and take a grammar seconds. */
const LINE_CHARS_MAX = 1_000;

const highlighter = createHighlighterCore({
  themes: [THEME],
  langs: [],
  engine: createJavaScriptRegexEngine({ forgiving: true }),
});

export interface Reader {
  /** Read the line at this place; all before it have been read. */
  read(place: number, line: string): Colours["tokens"];
}

export async function readerOf(language: string): Promise<Reader> {
  const grammars = await highlighter;
  await grammars.loadLanguage(...(await loadLanguage(language)));
  // The state of the grammar behind each line: where the next one begins.
  const states: GrammarState[] = [];
  return {
    read(place, line) {
      if (line.length > LINE_CHARS_MAX) return [["", line]];
      const before = states[place - 1];
      const tokens = grammars.codeToTokensBase(line, {
        lang: language,
        theme: THEME.name ?? "",
        // A line is read to its end: the first one of a language takes long on a slow machine, and half read it is wrong.
        tokenizeTimeLimit: 0,
        ...(before === undefined ? {} : { grammarState: before }),
      });
      const after = grammars.getLastGrammarState(tokens);
      if (after !== undefined) states[place] = after;
      return (tokens[0] ?? []).map(({ color, content }) => [kindOf(color), content] as const);
    },
  };
}

/** `var(--token-keyword)` is a keyword; what stands there as plain text has no kind. */
function kindOf(color: string | undefined): string {
  return /^var\(--token-([a-z-]+)\)$/.exec(color ?? "")?.[1] ?? "";
}
