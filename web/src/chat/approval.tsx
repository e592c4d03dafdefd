// Somebody has to say whether a tool may do what it is asked to.

import { Refusal } from "@threadline/client";
import { useState } from "react";
import { strings } from "../strings.ts";
import { Button } from "../ui/button.tsx";
import { useDeeds } from "./deeds.tsx";

export function Approval({ toolUseId }: { readonly toolUseId: string }) {
  const { mayWrite, decide } = useDeeds();
  const [reason, setReason] = useState("");
  const [isSent, setSent] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  if (!mayWrite) return null;
  const say = async (approve: boolean) => {
    setSent(true);
    try {
      await decide(toolUseId, approve, reason.trim() === "" ? undefined : reason.trim());
    } catch (error) {
      setSent(false);
      // Somebody was faster, and the card will say so in a moment; or it is the network.
      setProblem(error instanceof Refusal ? error.problem.detail : strings.chat.notHeard);
    }
  };
  return (
    <div className="approval">
      <p>{strings.chat.mayIt}</p>
      <input
        aria-label={strings.chat.reason}
        placeholder={strings.chat.reason}
        dir="auto"
        value={reason}
        onChange={(event) => setReason(event.target.value)}
        className="min-w-40 flex-1 rounded-lg border border-line bg-ground px-3 py-1.5 text-sm"
      />
      <Button kind="primary" disabled={isSent} onClick={() => void say(true)}>
        {strings.chat.approve}
      </Button>
      <Button kind="danger" disabled={isSent} onClick={() => void say(false)}>
        {strings.chat.deny}
      </Button>
      {problem !== null && (
        <p role="alert" className="basis-full text-sm text-bad">
          {problem}
        </p>
      )}
    </div>
  );
}
