// How an answer has ended, where it has not simply been said.

import type { ShownMessage } from "@threadline/client";
import { RotateCcw } from "lucide-react";
import { strings } from "../strings.ts";
import { Button } from "../ui/button.tsx";
import { useDeeds } from "./deeds.tsx";

export function Ending({ message }: { readonly message: ShownMessage }) {
  const { mayWrite, regenerate } = useDeeds();
  const words = wordsOf(message);
  if (words === null) return null;
  return (
    <div className={message.status === "failed" ? "error" : "soft"}>
      <p dir="auto">{words}</p>
      {mayWrite && (
        <Button className="mt-2" onClick={() => void regenerate(message.id)}>
          <RotateCcw aria-hidden className="size-4" />
          {strings.chat.retry}
        </Button>
      )}
    </div>
  );
}

function wordsOf({ role, status, error, finish_reason }: ShownMessage): string | null {
  if (role !== "assistant") return null;
  if (status === "failed") return error?.message ?? strings.chat.failed;
  if (status === "cancelled") return strings.chat.stopped;
  if (status === "complete" && finish_reason === "length") return strings.chat.tooLong;
  return null;
}
