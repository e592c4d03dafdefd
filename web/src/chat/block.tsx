// A block of a message.

import type { Block, Run, ShownMessage } from "@threadline/client";
import { FileOf, ImageOf } from "./attachment.tsx";
import { Markdown } from "./markdown/markdown.tsx";
import { Reasoning } from "./reasoning.tsx";
import { ToolCall } from "./tool.tsx";

interface Props {
  readonly block: Block;
  readonly place: number;
  readonly message: ShownMessage;
  readonly run: Run | null;
  /** It is being written. */
  readonly isOpen: boolean;
}

export function BlockOf({ block, place, message, run, isOpen }: Props) {
  switch (block.type) {
    case "text":
      if (block.text === "") return null;
      // People write text; that it looks like Markdown now and then is no wish of theirs.
      if (message.role !== "assistant") return <p className="plain">{block.text}</p>;
      return <Markdown text={block.text} isOpen={isOpen} />;
    case "reasoning":
      return <Reasoning name={`${message.id} ${place}`} text={block.text} isOpen={isOpen} />;
    case "image":
      return <ImageOf source={block.source} />;
    case "file":
      return <FileOf source={block.source} name={block.name ?? null} />;
    case "tool_use":
      return <ToolCall call={block} message={message} run={run} />;
    default:
      return null; // A result stands in the card of its call; a vendor's own part is nothing to read.
  }
}
