// The lines behind a chart, and the words beside and under it.

import type { Box, Scale } from "./plot.ts";

interface Label {
  readonly x: number;
  readonly text: string;
}

interface Props {
  readonly box: Box;
  readonly y: Scale;
  readonly tickOf: (value: number) => string;
  readonly labels: readonly Label[];
}

export function Axes({ box, y, tickOf, labels }: Props) {
  return (
    <g className="fill-soft text-[11px]">
      {y.ticks.map((tick) => (
        <g key={tick}>
          <line
            x1={box.start}
            x2={box.width}
            y1={y(tick)}
            y2={y(tick)}
            className="stroke-line"
            strokeDasharray={tick === 0 ? undefined : "2 4"}
          />
          <text x={box.start - 8} y={y(tick)} dy="0.32em" textAnchor="end">
            {tickOf(tick)}
          </text>
        </g>
      ))}
      {labels.map(({ x, text }) => {
        // At the ends they lean inwards, and do not leave the chart.
        const isLast = x > box.width - 30;
        return (
          <text key={x} x={isLast ? box.width : x} y={box.height - 4} textAnchor={isLast ? "end" : "middle"}>
            {text}
          </text>
        );
      })}
    </g>
  );
}
