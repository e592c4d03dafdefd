import type { Run, ShownMessage, ToolUseBlock } from "@threadline/client";
import { expect, test } from "vitest";
import { callOf } from "./calls.ts";

const CALL: ToolUseBlock = { type: "tool_use", id: "t1", name: "wipe", input: {} };

function message(status: ShownMessage["status"], ...more: ShownMessage["content"]): ShownMessage {
  return { status, content: [CALL, ...more] } as unknown as ShownMessage;
}

function waiting(kind: "approvals" | "results"): Run {
  const none = { approvals: [], results: [], expires_at: null };
  return { waiting_for: { ...none, [kind]: [{ tool_use_id: "t1", name: "wipe", input: {} }] } } as unknown as Run;
}

test("a call goes from its words to its result", () => {
  expect(callOf({ ...CALL, id: "" }, message("streaming"), null).status).toBe("arriving");
  expect(callOf(CALL, message("streaming"), waiting("approvals")).status).toBe("asks");
  expect(callOf(CALL, message("streaming"), waiting("results")).status).toBe("client");
  expect(callOf(CALL, message("streaming"), null).status).toBe("running");
  const result = { type: "tool_result", tool_use_id: "t1", content: "x", is_error: false } as const;
  expect(callOf(CALL, message("streaming", result), null)).toEqual({ status: "done", result });
  expect(callOf(CALL, message("complete", { ...result, is_error: true }), null).status).toBe("failed");
});

test("what a message that is over has left open is lost", () => {
  expect(callOf(CALL, message("cancelled"), waiting("approvals")).status).toBe("lost");
});
