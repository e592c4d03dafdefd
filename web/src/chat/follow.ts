// Whether a list goes along with what is added at its end. Pure.

/** Where a scrollable thing stands, in pixels. */
export interface Place {
  readonly top: number;
  readonly height: number;
  readonly viewport: number;
}

/** So near to the end is at the end: a line of text, and what rounding does. */
const NEAR_PX = 40;

export function isAtEnd({ top, height, viewport }: Place): boolean {
  return height - top - viewport <= NEAR_PX;
}

/**
 * Whether it follows after a scroll. Only going up ends it: the end itself moves away with every token, and sizes that become
 * known move everything.
 */
export function followsAfter(follows: boolean, before: Place, after: Place): boolean {
  if (isAtEnd(after)) return true;
  const wentUp = after.top < before.top && after.height >= before.height;
  return follows && !wentUp;
}
