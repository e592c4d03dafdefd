// Which of a thread's branches is read, where there is more than one.

import { useCallback } from "react";
import { strings } from "../../strings.operator.ts";
import { useOperator } from "../api.ts";
import { useAsked } from "../kit/asked.ts";
import { Choice } from "../kit/field.tsx";
import { timeOf } from "../kit/format.ts";

const words = strings.audit;

interface Props {
  readonly threadId: string;
  readonly leaf: string | null;
  readonly onChoose: (leaf: string | null) => void;
}

export function Branches({ threadId, leaf, onChoose }: Props) {
  const operator = useOperator();
  const ask = useCallback(
    (signal: AbortSignal) =>
      operator.call("GET /v1/threads/{thread_id}/branches", {
        path: { thread_id: threadId },
        query: { limit: 100 },
        signal,
      }),
    [operator, threadId],
  );
  const branches = useAsked(ask).value?.data ?? [];
  if (branches.length < 2) return null;
  const active = branches.find((branch) => branch.is_active)?.tip_message_id ?? "";
  return (
    <div className="max-w-md print:hidden">
      <Choice
        label={words.branch}
        value={leaf ?? active}
        choices={branches.map((branch) => ({
          value: branch.tip_message_id,
          name: `${branch.is_active ? `${words.activeBranch}: ` : ""}${branch.excerpt} · ${timeOf(branch.last_activity_at)}`,
        }))}
        onChoose={onChoose}
      />
    </div>
  );
}
