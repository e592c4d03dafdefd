// A table that can be sorted by its columns, and that scrolls within itself where it is too wide.

import { ArrowDown, ArrowUp } from "lucide-react";
import type { ReactNode } from "react";
import { useState } from "react";
import { type Order, type SortValue, sorted } from "./sort.ts";

export interface Column<Row> {
  readonly name: string;
  readonly cell: (row: Row) => ReactNode;
  /** What to sort by; without it the column cannot be. */
  readonly sortBy?: (row: Row) => SortValue;
  readonly isNumber?: boolean;
  /** No words above it: what can be done with a line. */
  readonly isQuiet?: boolean;
}

interface Props<Row> {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  readonly order?: Order;
  /** One more line, of sums. */
  readonly foot?: readonly ReactNode[];
}

export function Table<Row>({ label, columns, rows, keyOf, order: first, foot }: Props<Row>) {
  const [order, setOrder] = useState<Order | null>(first ?? null);
  const by = order === null ? undefined : columns[order.column]?.sortBy;
  const shown = by === undefined || order === null ? rows : sorted(rows, by, order.isDown);
  const sortBy = (column: number) =>
    setOrder((before) => ({
      column,
      isDown: before?.column === column ? !before.isDown : columns[column]?.isNumber === true,
    }));
  return (
    <section
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached with the keyboard
      tabIndex={0}
      className="overflow-x-auto rounded-xl border border-line"
    >
      <table className="w-full border-collapse text-sm">
        <thead className="bg-raised text-soft">
          <tr>
            {columns.map((column, place) => (
              <Head
                key={column.name}
                column={column}
                order={order?.column === place ? order : null}
                onSort={() => sortBy(place)}
              />
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <tr key={keyOf(row)} className="border-t border-line hover:bg-raised/60">
              {columns.map((column) => (
                <td
                  key={column.name}
                  className={
                    column.isNumber
                      ? "whitespace-nowrap px-3 py-2.5 text-end tabular-nums"
                      : "max-w-80 truncate px-3 py-2.5 text-start"
                  }
                >
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
        {foot !== undefined && (
          <tfoot>
            <tr className="border-t-2 border-line font-semibold">
              {foot.map((cell, place) => (
                <td
                  // biome-ignore lint/suspicious/noArrayIndexKey: a sum is known by its column
                  key={place}
                  className={
                    columns[place]?.isNumber
                      ? "whitespace-nowrap px-3 py-2.5 text-end tabular-nums"
                      : "max-w-80 truncate px-3 py-2.5 text-start"
                  }
                >
                  {cell}
                </td>
              ))}
            </tr>
          </tfoot>
        )}
      </table>
    </section>
  );
}

interface HeadProps<Row> {
  readonly column: Column<Row>;
  readonly order: Order | null;
  readonly onSort: () => void;
}

function Head<Row>({ column, order, onSort }: HeadProps<Row>) {
  const side = column.isNumber ? "text-end" : "text-start";
  if (column.sortBy === undefined) {
    return (
      <th scope="col" className={`whitespace-nowrap px-3 py-2 font-medium ${side}`}>
        <span className={column.isQuiet ? "sr-only" : undefined}>{column.name}</span>
      </th>
    );
  }
  const Arrow = order?.isDown ? ArrowDown : ArrowUp;
  const direction = order === null ? undefined : order.isDown ? "descending" : "ascending";
  return (
    <th scope="col" aria-sort={direction} className={`whitespace-nowrap px-3 py-2 font-medium ${side}`}>
      <button type="button" onClick={onSort} className="inline-flex items-center gap-1 rounded hover:text-text">
        {column.name}
        <Arrow aria-hidden className={`size-3.5 ${order === null ? "opacity-0" : ""}`} />
      </button>
    </th>
  );
}
