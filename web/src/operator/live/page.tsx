// What goes on now, and went on in the last hour. It asks again every few seconds while somebody looks.

import { useCallback } from "react";
import { strings } from "../../strings.operator.ts";
import { useOperator } from "../api.ts";
import { useAsked } from "../kit/asked.ts";
import { Page } from "../kit/page.tsx";
import { Answered } from "../kit/states.tsx";
import { Charts } from "./charts.tsx";
import { Failures } from "./failures.tsx";
import { Nodes } from "./nodes.tsx";
import { Runs } from "./runs.tsx";

export const EVERY_MS = 3000;
const HISTORY_MINUTES = 60;
const words = strings.live;

export function LivePage() {
  const operator = useOperator();
  const isOperator = operator.role === "operator";
  const ask = useCallback(
    (signal: AbortSignal) => operator.call("GET /v1/admin/live", { query: { history: HISTORY_MINUTES }, signal }),
    [operator],
  );
  const answer = useAsked(ask, EVERY_MS);
  return (
    <Page title={strings.sections.live} about={isOperator ? words.about : words.aboutTenant(operator.tenant)}>
      <Answered answer={answer} lines={8}>
        {(live) => (
          <>
            <Charts live={live} />
            <Runs everyMs={EVERY_MS} />
            <Failures history={live.history} />
            {isOperator && <Nodes nodes={live.nodes} />}
          </>
        )}
      </Answered>
    </Page>
  );
}
