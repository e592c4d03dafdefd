// Sums of decimals in strings, without an error in the last place. Pure.

const FORM = /^(-?)(\d+)(?:\.(\d+))?$/;

/** The exact sum of decimals such as `0.000123`; null of none. */
export function sumOf(values: readonly string[]): string | null {
  if (values.length === 0) return null;
  const parts = values.map((value) => {
    const found = FORM.exec(value);
    if (found === null) throw new Error(`${value} is no decimal.`);
    return { sign: found[1] ?? "", whole: found[2] ?? "0", fraction: found[3] ?? "" };
  });
  const places = Math.max(...parts.map((part) => part.fraction.length));
  let sum = 0n;
  for (const { sign, whole, fraction } of parts) sum += BigInt(`${sign}${whole}${fraction.padEnd(places, "0")}`);
  const digits = (sum < 0n ? -sum : sum).toString().padStart(places + 1, "0");
  const cut = digits.length - places;
  const text = places === 0 ? digits : `${digits.slice(0, cut)}.${digits.slice(cut)}`;
  return sum < 0n ? `-${text}` : text;
}
