// Money, with what is not known of it said in words.

import { strings } from "../../strings.operator.ts";
import { costOf } from "../kit/format.ts";
import type { Sum } from "./sums.ts";

const words = strings.usage;

export function Cost({ sum }: { readonly sum: Pick<Sum, "costUsd" | "isWhole"> }) {
  if (sum.costUsd === null) {
    return (
      <span className="font-normal text-soft" title={words.unknownMore}>
        {strings.unknown}
      </span>
    );
  }
  return (
    <span title={sum.isWhole ? `${sum.costUsd} USD` : words.atLeastMore}>
      {sum.isWhole ? costOf(sum.costUsd) : words.atLeast(costOf(sum.costUsd))}
    </span>
  );
}
