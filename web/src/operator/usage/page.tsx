// What attempts have cost: day by day, and by tenant, end user or model.

import type { UsageLine } from "@threadline/client";
import { ChartColumnStacked, Download } from "lucide-react";
import { useCallback, useState } from "react";
import { strings } from "../../strings.operator.ts";
import { Button } from "../../ui/button.tsx";
import { type Operator, useOperator } from "../api.ts";
import { useAsked } from "../kit/asked.ts";
import { save } from "../kit/csv.ts";
import { Page } from "../kit/page.tsx";
import { useSettled } from "../kit/settled.ts";
import { Answered, Empty } from "../kit/states.tsx";
import { DailyChart } from "./daily.tsx";
import { Filters, type Wanted, wantedOfDays } from "./filters.tsx";
import { csvOfLines } from "./rows.ts";
import { totalOf } from "./sums.ts";
import { UsageTable } from "./table.tsx";
import { Totals } from "./totals.tsx";

const words = strings.usage;

const NOTHING = { by: "model", tenant: "", person: "", model: "" } as const;

interface Found {
  readonly lines: readonly UsageLine[];
  readonly days: readonly UsageLine[];
  readonly tenants: ReadonlyMap<string, string>;
}

async function askFor({ call }: Operator, wanted: Wanted, signal: AbortSignal): Promise<Found> {
  const { since, until } = wanted;
  const narrow = {
    since,
    until,
    tenant: wanted.tenant || null,
    end_user_id: wanted.person.trim() || null,
    model: wanted.model.trim() || null,
  };
  const [lines, days, tenants] = await Promise.all([
    call("GET /v1/admin/usage", { query: { by: wanted.by, ...narrow }, signal }),
    call("GET /v1/admin/usage", { query: { by: "day", ...narrow }, signal }),
    call("GET /v1/admin/tenants", { signal }),
  ]);
  const names = new Map(tenants.data.map((tenant) => [tenant.id, tenant.name]));
  return { lines: lines.data, days: days.data, tenants: names };
}

export function UsagePage() {
  const operator = useOperator();
  const [wanted, setWanted] = useState<Wanted>(() => wantedOfDays(30, NOTHING));
  const settled = useSettled(wanted);
  const answer = useAsked(useCallback((signal: AbortSignal) => askFor(operator, settled, signal), [operator, settled]));
  const exportAll = () => {
    if (answer.value === null) return;
    const { lines, tenants } = answer.value;
    const { by, since, until } = settled;
    save(`usage-${by}-${since}-${until}.csv`, csvOfLines(by, lines, tenants));
  };
  return (
    <Page
      title={strings.sections.usage}
      about={words.about}
      actions={
        <Button disabled={(answer.value?.lines.length ?? 0) === 0} onClick={exportAll}>
          <Download aria-hidden className="size-4" />
          {words.export}
        </Button>
      }
    >
      <Filters wanted={wanted} onChange={setWanted} isOperator={operator.role === "operator"} />
      <Answered answer={answer}>
        {({ lines, days, tenants }) =>
          lines.length === 0 ? (
            <Empty icon={ChartColumnStacked} title={words.none}>
              {words.noneMore}
            </Empty>
          ) : (
            <div className="grid gap-6" aria-busy={answer.isLoading}>
              <Totals sum={totalOf(lines)} />
              <DailyChart lines={days} wanted={settled} />
              <UsageTable key={settled.by} by={settled.by} lines={lines} tenants={tenants} />
            </div>
          )
        }
      </Answered>
    </Page>
  );
}
