// Where the arrow keys go in a list of rows. Pure.

import type { Row } from "./rows.ts";

/** The place of the row that a key goes to from the one at `from`; null where it goes nowhere. */
export function placeAfter(key: string, rows: readonly Row[], from: number): number | null {
  const isLine = (row: Row | undefined) => row?.kind === "thread";
  switch (key) {
    case "Home":
      return found(rows.findIndex(isLine));
    case "End":
      return found(rows.findLastIndex(isLine));
    case "ArrowDown":
      return found(rows.findIndex((row, place) => place > from && isLine(row)));
    case "ArrowUp":
      return found(rows.findLastIndex((row, place) => place < from && isLine(row)));
    default:
      return null;
  }
}

function found(place: number): number | null {
  return place < 0 ? null : place;
}
