// Sums of days, as bars of what they are made of.

import { strings } from "../../strings.operator.ts";
import { Axes } from "./axes.tsx";
import { bandScale, barsOf, greatestSum, heightScale, labelledPlaces, type Series } from "./plot.ts";
import { Tip, usePointed } from "./pointed.tsx";
import { useWidth } from "./size.ts";

interface Props {
  readonly title: string;
  readonly places: readonly string[];
  readonly series: readonly Series[];
  /** In pixels. */
  readonly height?: number;
  readonly write: (value: number | null) => string;
  readonly tickOf: (value: number) => string;
  /** There is no half of it. */
  readonly isCounted?: boolean;
}

export function StackedBars({ title, places, series, height = 240, write, tickOf, isCounted = false }: Props) {
  const [element, width] = useWidth<HTMLElement>();
  const box = { width, height, start: 54, bottom: 22, top: 8 };
  const y = heightScale(greatestSum(series, places.length), box, height < 200 ? 3 : 4, isCounted);
  const x = bandScale(places.length, box);
  const pointed = usePointed(places.length, (at) => Math.floor((at - box.start) / x.step()));
  const middle = (place: number) => (x(place) ?? 0) + x.bandwidth() / 2;
  const labels = labelledPlaces(places.length, Math.floor(width / 72)).map((place) => ({
    x: middle(place),
    text: places[place] ?? "",
  }));
  return (
    <section
      ref={element}
      aria-label={strings.charts.group(title)}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys say what is where
      tabIndex={0}
      style={{ height }}
      className="relative rounded"
      {...pointed.handlers}
    >
      {width > 0 && (
        <svg
          role="img"
          aria-label={strings.charts.described(title, places.length)}
          width={width}
          height={height}
          className="block overflow-visible"
        >
          {pointed.place !== null && (
            <rect
              x={(x(pointed.place) ?? 0) - 3}
              width={x.bandwidth() + 6}
              y={box.top}
              height={height - box.bottom - box.top}
              rx={4}
              className="fill-raised"
            />
          )}
          <Axes box={box} y={y} tickOf={tickOf} labels={labels} />
          {places.map((name, place) =>
            barsOf(series, place, x(place) ?? 0, x.bandwidth(), y).map((bar) => (
              <rect
                key={`${name} ${bar.series}`}
                x={bar.x}
                y={bar.y}
                width={bar.width}
                height={bar.height}
                rx={Math.min(2, bar.width / 4)}
                fill={series[bar.series]?.colour}
              />
            )),
          )}
        </svg>
      )}
      {pointed.place !== null && (
        <Tip
          title={places[pointed.place] ?? ""}
          series={series}
          place={pointed.place}
          x={middle(pointed.place)}
          width={width}
          write={write}
          isSparse
        />
      )}
    </section>
  );
}
