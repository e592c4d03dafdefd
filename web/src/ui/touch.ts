// Whether somebody's fingers are all there is: no mouse, and most likely no keyboard but the one on the screen.

const touch = matchMedia("(hover: none) and (pointer: coarse)");

export function isTouch(): boolean {
  return touch.matches;
}
