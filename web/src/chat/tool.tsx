// A tool call, as a card.

import type { Run, ShownMessage, ToolUseBlock } from "@threadline/client";
import { prettyOf } from "./words.ts";

interface Props {
  readonly call: ToolUseBlock;
  readonly message: ShownMessage;
  readonly run: Run | null;
}

export function ToolCall({ call }: Props) {
  return (
    <details>
      <summary>{call.name}</summary>
      <pre>
        <code>{prettyOf(call.input)}</code>
      </pre>
    </details>
  );
}
