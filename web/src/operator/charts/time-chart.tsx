// Values in time, as lines.

import type { ReactNode } from "react";
import { strings } from "../../strings.operator.ts";
import { clockOf } from "../kit/format.ts";
import { Axes } from "./axes.tsx";
import { ChartFrame } from "./frame.tsx";
import { greatestOf, heightScale, labelledPlaces, lineOf, type Series, timeScale } from "./plot.ts";
import { Tip, usePointed } from "./pointed.tsx";
import { useWidth } from "./size.ts";

const HEIGHT = 132;

interface Props {
  readonly title: string;
  readonly figure: ReactNode;
  readonly note?: ReactNode;
  readonly times: readonly string[];
  readonly series: readonly Series[];
  readonly write: (value: number | null) => string;
  readonly tickOf: (value: number) => string;
  /** There is no half of it. */
  readonly isCounted?: boolean;
}

export function TimeChart(props: Props) {
  const { title, figure, note, times, series, write } = props;
  return (
    <ChartFrame
      title={title}
      figure={figure}
      {...(note === undefined ? {} : { note })}
      series={series}
      places={times.map(clockOf)}
      placeName={strings.charts.time}
      write={write}
    >
      <Lines {...props} />
    </ChartFrame>
  );
}

function Lines({ title, times, series, write, tickOf, isCounted = false }: Props) {
  const [place, width] = useWidth<HTMLElement>();
  const box = { width, height: HEIGHT, start: 46, bottom: 20, top: 8 };
  const y = heightScale(greatestOf(series), box, 3, isCounted);
  const dates = times.map((at) => new Date(at));
  const scale = timeScale(dates, box);
  const x = (number: number) => scale(dates[number] ?? new Date(0));
  const step = (width - 4 - box.start) / Math.max(1, times.length - 1);
  const pointed = usePointed(times.length, (at) => Math.round((at - box.start) / step));
  const labels = labelledPlaces(times.length, Math.floor(width / 90)).map((number) => ({
    x: x(number),
    text: clockOf(times[number] ?? ""),
  }));
  return (
    <section
      ref={place}
      aria-label={strings.charts.group(title)}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys say what is where
      tabIndex={0}
      className="relative mt-auto h-[132px] rounded"
      {...pointed.handlers}
    >
      {width > 0 && (
        <svg
          role="img"
          aria-label={strings.charts.described(title, times.length)}
          width={width}
          height={HEIGHT}
          className="block overflow-visible"
        >
          <Axes box={box} y={y} tickOf={tickOf} labels={labels} />
          {series.map((one, number) => {
            const drawn = lineOf(one.values, x, y);
            return (
              <g key={one.name}>
                {number === 0 && <path d={drawn.area} fill={one.colour} opacity={0.12} />}
                <path
                  d={drawn.line}
                  fill="none"
                  stroke={one.colour}
                  strokeWidth={1.75}
                  strokeLinejoin="round"
                  strokeDasharray={one.isDashed ? "5 3" : undefined}
                />
                {drawn.points.map(([cx, cy]) => (
                  <circle key={cx} cx={cx} cy={cy} r={2} fill={one.colour} />
                ))}
              </g>
            );
          })}
          {pointed.place !== null && (
            <line
              x1={x(pointed.place)}
              x2={x(pointed.place)}
              y1={box.top}
              y2={HEIGHT - box.bottom}
              className="stroke-soft"
              strokeDasharray="2 2"
            />
          )}
        </svg>
      )}
      {pointed.place !== null && (
        <Tip
          title={clockOf(times[pointed.place] ?? "")}
          series={series}
          place={pointed.place}
          x={x(pointed.place)}
          width={width}
          write={write}
        />
      )}
    </section>
  );
}
