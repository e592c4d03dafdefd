// A block of a message.

import type { Block } from "@threadline/client";
import { strings } from "../strings.ts";
import { Attached } from "./attached.tsx";
import { Markdown } from "./markdown/markdown.tsx";

interface Props {
  readonly block: Block;
  readonly isPerson: boolean;
  /** It is being written. */
  readonly isOpen: boolean;
}

export function BlockOf({ block, isPerson, isOpen }: Props) {
  switch (block.type) {
    case "text":
      // People write text; that it looks like Markdown now and then is no wish of theirs.
      return isPerson ? <p className="plain">{block.text}</p> : <Markdown text={block.text} isOpen={isOpen} />;
    case "reasoning":
      return (
        <details>
          <summary>{strings.chat.reasoning}</summary>
          <Markdown text={block.text} isOpen={isOpen} />
        </details>
      );
    case "image":
    case "file":
      return <Attached block={block} />;
    default:
      return null;
  }
}
