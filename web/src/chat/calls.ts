// Where a tool call stands. Pure.

import type { Run, ShownMessage, ToolResultBlock, ToolUseBlock } from "@threadline/client";

/**
 * - `arriving`: its arguments are still being said. `asks`: somebody has to allow it. `client`: somebody's program answers it.
 * - `lost`: its message is over, and nobody has said what came of it.
 */
export type CallStatus = "arriving" | "asks" | "client" | "running" | "done" | "failed" | "lost";

export interface Call {
  readonly status: CallStatus;
  readonly result: ToolResultBlock | null;
}

export function callOf({ id }: ToolUseBlock, message: ShownMessage, run: Run | null): Call {
  const result = id === "" ? undefined : message.content.find((block) => isResultOf(block, id));
  if (result?.type === "tool_result") return { status: result.is_error ? "failed" : "done", result };
  return { status: unanswered(id, message, run), result: null };
}

function unanswered(id: string, message: ShownMessage, run: Run | null): CallStatus {
  if (message.status !== "streaming") return "lost";
  if (id === "") return "arriving";
  if (run?.waiting_for?.approvals.some((asked) => asked.tool_use_id === id)) return "asks";
  return run?.waiting_for?.results.some((asked) => asked.tool_use_id === id) ? "client" : "running";
}

function isResultOf(block: ShownMessage["content"][number], id: string): boolean {
  return block.type === "tool_result" && block.tool_use_id === id;
}
