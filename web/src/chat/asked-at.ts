// When an id was made. The app comes with its server, whose ids begin with their moment (`ids.py`). Pure.

const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const MOMENT = /_([0-9A-HJKMNP-TV-Z]{10})/;

/** In milliseconds; NaN where the id does not say. */
export function madeAt(id: string | null): number {
  const digits = MOMENT.exec(id ?? "")?.[1];
  if (digits === undefined) return Number.NaN;
  return [...digits].reduce((number, digit) => number * 32 + DIGITS.indexOf(digit), 0);
}
