// The figures of now, each with the hour behind it.

import type { Live } from "@threadline/client";
import { strings } from "../../strings.operator.ts";
import { TimeChart } from "../charts/time-chart.tsx";
import { countOf, durationOf, rateOf, shortOf } from "../kit/format.ts";
import { seriesBy } from "./figures.ts";

const words = strings.live;
const rate = (value: number | null) => (value === null ? strings.none : words.perSecond(rateOf(value)));

export function Charts({ live }: { readonly live: Live }) {
  const { history } = live;
  const times = history.map((minute) => minute.at);
  const first = live.first_token_seconds;
  const commits = live.commit_seconds;
  const counted = { times, write: countOf, tickOf: shortOf, isCounted: true };
  const timed = { times, write: durationOf, tickOf: durationOf };
  return (
    <div className="grid gap-4 md:grid-cols-2 xl:grid-cols-3">
      <TimeChart
        {...counted}
        title={words.running}
        figure={countOf(live.running)}
        note={words.startedIn(live.started, live.minutes)}
        series={[seriesBy(history, words.running, (minute) => minute.running)]}
      />
      <TimeChart
        {...counted}
        title={words.readers}
        figure={countOf(live.readers)}
        note={words.readersMore}
        series={[seriesBy(history, words.readers, (minute) => minute.readers)]}
      />
      <TimeChart
        times={times}
        write={rate}
        tickOf={shortOf}
        title={words.throughput}
        figure={rate(live.throughput)}
        note={words.eachAnswer(rate(live.tokens_per_second.p50))}
        series={[seriesBy(history, words.throughput, (minute) => minute.throughput)]}
      />
      <TimeChart
        {...timed}
        title={words.firstToken}
        figure={durationOf(first.p50)}
        note={words.slowest(durationOf(first.p99), live.minutes)}
        series={[
          seriesBy(history, words.half, (minute) => minute.first_token_seconds.p50),
          seriesBy(history, words.slow, (minute) => minute.first_token_seconds.p99, 1),
        ]}
      />
      <TimeChart
        {...counted}
        title={words.queue}
        figure={countOf(live.queued)}
        note={words.waitingFor(live.waiting)}
        series={[
          seriesBy(history, words.queued, (minute) => minute.queued),
          seriesBy(history, words.waiting, (minute) => minute.waiting, 1),
        ]}
      />
      {commits !== null && (
        <TimeChart
          {...timed}
          title={words.commits}
          figure={durationOf(commits.p50)}
          note={words.slowest(durationOf(commits.p99), live.minutes)}
          series={[
            seriesBy(history, words.half, (minute) => minute.commit_seconds?.p50 ?? null),
            seriesBy(history, words.slow, (minute) => minute.commit_seconds?.p99 ?? null, 1),
          ]}
        />
      )}
    </div>
  );
}
