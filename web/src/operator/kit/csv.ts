// Tables for spreadsheets. Pure, but for `save`.

export type Cell = string | number | null;

// A spreadsheet takes a text that begins like this for a formula, and names of people and tenants are anybody's words.
const FORMULA = /^[=+\-@\t\r]/;

function written(cell: Cell): string {
  if (cell === null) return "";
  if (typeof cell === "number") return String(cell);
  const harmless = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** Lines of a table as RFC 4180 writes them. An unknown value is an empty cell. */
export function csvOf(head: readonly string[], lines: readonly (readonly Cell[])[]): string {
  return `${[head, ...lines].map((line) => line.map(written).join(",")).join("\r\n")}\r\n`;
}

/** Hand a text to the browser as a file. */
export function save(name: string, text: string, type = "text/csv"): void {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The download has begun by then; the address would keep the bytes until the page goes.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
