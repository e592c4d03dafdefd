// A block of a message.

import type { Block } from "@threadline/client";
import { strings } from "../strings.ts";
import { Markdown } from "./markdown.tsx";

export function BlockOf({ block, isPerson }: { readonly block: Block; readonly isPerson: boolean }) {
  switch (block.type) {
    case "text":
      // People write text; that it looks like Markdown now and then is no wish of theirs.
      return isPerson ? <p className="plain">{block.text}</p> : <Markdown text={block.text} />;
    case "reasoning":
      return (
        <details>
          <summary>{strings.chat.reasoning}</summary>
          <Markdown text={block.text} />
        </details>
      );
    default:
      return null;
  }
}
