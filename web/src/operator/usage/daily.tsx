// Day by day, what each model has had of it.

import type { UsageLine } from "@threadline/client";
import { clsx } from "clsx";
import { useState } from "react";
import { strings } from "../../strings.operator.ts";
import { Button } from "../../ui/button.tsx";
import { ChartFrame } from "../charts/frame.tsx";
import { StackedBars } from "../charts/stacked-bars.tsx";
import { costOf, countOf, dayOf, shortOf } from "../kit/format.ts";
import type { Wanted } from "./filters.tsx";
import { daysBetween, METRICS, type Metric, seriesOf } from "./sums.ts";

const words = strings.usage;
const writtenAs = (metric: Metric) => (value: number | null) =>
  metric === "cost" ? costOf(value === null ? null : String(value)) : countOf(value);

export function DailyChart({ lines, wanted }: { readonly lines: readonly UsageLine[]; readonly wanted: Wanted }) {
  const isPriced = lines.some((line) => line.cost_usd !== null);
  const [chosen, setChosen] = useState<Metric | null>(null);
  const metric = chosen ?? (isPriced ? "cost" : "tokens");
  const days = daysBetween(wanted.since, wanted.until);
  const series = seriesOf(lines, days, metric, words.others);
  const title = words.byDay(words.metrics[metric]);
  const places = days.map(dayOf);
  const write = writtenAs(metric);
  const unpriced = lines.some((line) => line.cost_usd === null || line.known < line.attempts);
  return (
    <div className="grid gap-3">
      <fieldset aria-label={words.shown} className="flex gap-1 print:hidden">
        {METRICS.map((one) => (
          <Button
            key={one}
            kind="plain"
            aria-pressed={one === metric}
            className={clsx(one === metric ? "bg-line/70 font-medium" : "text-soft")}
            onClick={() => setChosen(one)}
          >
            {words.metrics[one]}
          </Button>
        ))}
      </fieldset>
      <ChartFrame
        title={title}
        {...(metric === "cost" && unpriced ? { note: words.unpriced } : {})}
        series={series}
        places={places}
        placeName={words.ways.day}
        write={write}
      >
        {series.length === 0 ? (
          <p className="grid h-[240px] place-content-center text-sm text-soft">{words.nothingKnown}</p>
        ) : (
          <StackedBars
            title={title}
            places={places}
            series={series}
            write={write}
            isCounted={metric !== "cost"}
            tickOf={(value) => (metric === "cost" ? costOf(String(value)) : shortOf(value))}
          />
        )}
      </ChartFrame>
    </div>
  );
}
