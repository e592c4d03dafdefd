// What has failed in the last hour, and at whose place.

import type { Live } from "@threadline/client";
import { strings } from "../../strings.operator.ts";
import { ChartFrame } from "../charts/frame.tsx";
import { StackedBars } from "../charts/stacked-bars.tsx";
import { clockOf, countOf, shortOf } from "../kit/format.ts";
import { failureSeries, failuresOf } from "./figures.ts";

const words = strings.live;

export function Failures({ history }: { readonly history: Live["history"] }) {
  const failures = failuresOf(history);
  const series = failureSeries(history);
  const sum = failures.reduce((all, failure) => all + failure.count, 0);
  const places = history.map((minute) => clockOf(minute.at));
  return (
    <ChartFrame
      title={words.failures}
      figure={countOf(sum)}
      note={sum === 0 ? words.noFailures : words.lastHour}
      series={series}
      places={places}
      placeName={strings.charts.time}
      write={countOf}
    >
      {sum > 0 && (
        <div className="grid gap-4 md:grid-cols-[minmax(0,2fr)_minmax(0,1fr)]">
          <StackedBars
            title={words.failures}
            places={places}
            series={series}
            height={132}
            write={countOf}
            tickOf={shortOf}
            isCounted
          />
          <ul aria-label={words.byCode} className="grid content-start text-sm">
            {failures.map(({ provider, code, count }) => (
              <li
                key={`${provider} ${code}`}
                className="flex justify-between gap-3 border-b border-line py-1.5 last:border-0"
              >
                <span className="min-w-0 truncate">
                  <span className="font-medium">{provider}</span>{" "}
                  <code className="font-mono text-xs text-soft">{code}</code>
                </span>
                <span className="tabular-nums">{countOf(count)}</span>
              </li>
            ))}
          </ul>
        </div>
      )}
    </ChartFrame>
  );
}
