// How long something took, as seen from here: the log does not say. Who comes later than its beginning knows no time.

interface Span {
  readonly began: number;
  ended: number | null;
}

const KEPT_MAX = 1_000;
const seen = new Map<string, Span>();

/** Milliseconds that it took; null while it goes on, and where its beginning was not seen. */
export function spanOf(name: string, isGoing: boolean): number | null {
  const span = seen.get(name);
  if (isGoing) {
    if (seen.size > KEPT_MAX) seen.clear();
    // Somebody was asked meanwhile, or it is made anew: what was before is no part of it.
    if (span === undefined || span.ended !== null) seen.set(name, { began: performance.now(), ended: null });
    return null;
  }
  if (span === undefined) return null;
  span.ended ??= performance.now();
  return span.ended - span.began;
}
