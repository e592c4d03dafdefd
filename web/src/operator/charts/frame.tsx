// What is around every chart: its name, what its colours mean, and the same as a table.

import { ChartLine, Table2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { strings } from "../../strings.operator.ts";
import { IconButton } from "../../ui/button.tsx";
import type { Series } from "./plot.ts";

interface Props {
  readonly title: string;
  /** The figure of now, or a sum. */
  readonly figure?: ReactNode;
  readonly note?: ReactNode;
  readonly series: readonly Series[];
  readonly places: readonly string[];
  readonly placeName: string;
  readonly write: (value: number | null) => string;
  readonly children: ReactNode;
}

export function ChartFrame({ title, figure, note, series, places, placeName, write, children }: Props) {
  const [isTable, setTable] = useState(false);
  return (
    <figure className="kept-whole flex min-w-0 flex-col gap-3 rounded-2xl border border-line p-4">
      <figcaption className="flex items-start justify-between gap-3">
        <div className="min-w-0">
          <h2 className="text-sm font-medium text-soft">{title}</h2>
          {figure !== undefined && <p className="text-2xl font-semibold tracking-tight tabular-nums">{figure}</p>}
          {note !== undefined && <p className="text-xs text-soft">{note}</p>}
        </div>
        <IconButton
          label={isTable ? strings.charts.asChart(title) : strings.charts.asTable(title)}
          aria-pressed={isTable}
          onClick={() => setTable(!isTable)}
          className="-me-1.5 -mt-1.5 print:hidden"
        >
          {isTable ? <ChartLine aria-hidden className="size-4" /> : <Table2 aria-hidden className="size-4" />}
        </IconButton>
      </figcaption>
      {isTable ? (
        <AsTable title={title} series={series} places={places} placeName={placeName} write={write} />
      ) : (
        <>
          {children}
          {series.length > 1 && <Legend series={series} />}
        </>
      )}
    </figure>
  );
}

function Legend({ series }: { readonly series: readonly Series[] }) {
  return (
    <ul className="mt-auto flex flex-wrap gap-x-4 gap-y-1 text-xs text-soft">
      {series.map((one) => (
        <li key={one.name} className="flex min-w-0 items-center gap-1.5">
          <Mark series={one} />
          <span dir="auto" className="truncate">
            {one.name}
          </span>
        </li>
      ))}
    </ul>
  );
}

/** The colour of a series, and its dashes. */
export function Mark({ series }: { readonly series: Series }) {
  return (
    <svg aria-hidden width="14" height="10" className="shrink-0">
      {series.isDashed ? (
        <line x1="0" x2="14" y1="5" y2="5" stroke={series.colour} strokeWidth="2.5" strokeDasharray="3 2.5" />
      ) : (
        <rect y="1.5" width="14" height="7" rx="2" fill={series.colour} />
      )}
    </svg>
  );
}

type TableProps = Pick<Props, "title" | "series" | "places" | "placeName" | "write">;

function AsTable({ title, series, places, placeName, write }: TableProps) {
  return (
    <section
      aria-label={title}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached with the keyboard
      tabIndex={0}
      className="max-h-64 overflow-auto"
    >
      <table className="w-full text-sm tabular-nums">
        <thead className="sticky top-0 bg-ground text-soft">
          <tr>
            <th scope="col" className="py-1 pe-3 text-start font-medium">
              {placeName}
            </th>
            {series.map((one) => (
              <th key={one.name} scope="col" className="px-2 py-1 text-end font-medium">
                {one.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {places.map((name, place) => (
            <tr key={name} className="border-t border-line">
              <th scope="row" className="whitespace-nowrap py-1 pe-3 text-start font-normal">
                {name}
              </th>
              {series.map((one) => (
                <td key={one.name} className="px-2 py-1 text-end">
                  {write(one.values[place] ?? null)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
