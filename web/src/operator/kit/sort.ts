// In which order lines of a table stand. Pure.

export type SortValue = string | number | null;

export interface Order {
  readonly column: number;
  readonly isDown: boolean;
}

const words = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

function compare(one: string | number, other: string | number): number {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return words.compare(String(one), String(other));
}

/** Sort lines; those whose value is not known are last, whichever way it goes. */
export function sorted<Row>(rows: readonly Row[], by: (row: Row) => SortValue, isDown: boolean): Row[] {
  return [...rows].sort((one, other) => {
    const [mine, theirs] = [by(one), by(other)];
    if (mine === null || theirs === null) return Number(mine === null) - Number(theirs === null);
    return isDown ? compare(theirs, mine) : compare(mine, theirs);
  });
}
