// Where the lines and bars of a chart lie. Pure.

import { scaleBand, scaleLinear, scaleUtc } from "d3-scale";
import { area, line } from "d3-shape";

/** One of the things that a chart shows, with a value for each place of it; null where there is none. */
export interface Series {
  readonly name: string;
  readonly colour: string;
  readonly values: readonly (number | null)[];
  /** Drawn in dashes: known without its colour. */
  readonly isDashed?: boolean;
}

export const COLOURS = [1, 2, 3, 4, 5, 6].map((number) => `var(--series-${number})`);
export const REST = "var(--series-rest)";

export interface Box {
  readonly width: number;
  readonly height: number;
  readonly start: number;
  readonly bottom: number;
  readonly top: number;
}

export interface Scale {
  (value: number): number;
  readonly ticks: readonly number[];
}

/** From values to heights, from 0 to a round number above the greatest. What is counted has whole numbers beside it. */
export function heightScale(greatest: number, box: Box, ticks: number, isCounted: boolean): Scale {
  const top = isCounted ? Math.max(2, greatest) : greatest > 0 ? greatest : 1;
  const scale = scaleLinear([0, top], [box.height - box.bottom, box.top]).nice(ticks);
  const marks = scale.ticks(ticks).filter((tick) => !isCounted || Number.isInteger(tick));
  return Object.assign((value: number) => scale(value), { ticks: marks });
}

export function greatestOf(series: readonly Series[]): number {
  return Math.max(0, ...series.flatMap((one) => one.values.filter((value) => value !== null)));
}

export function timeScale(times: readonly Date[], box: Box): (at: Date) => number {
  const [first, last] = [times[0] ?? new Date(0), times.at(-1) ?? new Date(1)];
  return scaleUtc([first, last], [box.start, box.width - 4]);
}

export interface Line {
  readonly line: string;
  readonly area: string;
  /** Values that have none beside them, and would be no line. */
  readonly points: readonly (readonly [number, number])[];
}

/** A line through values in time; it stops where there are none. */
export function lineOf(values: readonly (number | null)[], x: (place: number) => number, y: Scale): Line {
  const places = values.map((value, place) => ({ value, place }));
  const isThere = ({ value }: { value: number | null }) => value !== null;
  const made = line<(typeof places)[number]>(
    ({ place }) => x(place),
    ({ value }) => y(value ?? 0),
  ).defined(isThere);
  const filled = area<(typeof places)[number]>(
    ({ place }) => x(place),
    y(0),
    ({ value }) => y(value ?? 0),
  ).defined(isThere);
  const alone = places.filter(
    ({ value, place }) =>
      value !== null && (values[place - 1] ?? null) === null && (values[place + 1] ?? null) === null,
  );
  const points = alone.map(({ value, place }) => [x(place), y(value ?? 0)] as const);
  return { line: made(places) ?? "", area: filled(places) ?? "", points };
}

export interface Bar {
  readonly series: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The greatest sum of one place. */
export function greatestSum(series: readonly Series[], places: number): number {
  const sums = Array.from({ length: places }, (_, place) =>
    series.reduce((sum, one) => sum + (one.values[place] ?? 0), 0),
  );
  return Math.max(0, ...sums);
}

export function bandScale(places: number, box: Box) {
  return scaleBand(
    Array.from({ length: places }, (_, place) => place),
    [box.start, box.width - 4],
  )
    .paddingInner(0.25)
    .paddingOuter(0.1);
}

/** Bars one on top of the other, with a pixel of ground between them. */
export function barsOf(series: readonly Series[], place: number, x: number, width: number, y: Scale): Bar[] {
  const bars: Bar[] = [];
  let below = 0;
  series.forEach((one, number) => {
    const value = one.values[place] ?? 0;
    if (value <= 0) return;
    const [top, bottom] = [y(below + value), y(below)];
    bars.push({ series: number, x, y: top, width, height: Math.max(1, bottom - top - (bars.length > 0 ? 1 : 0)) });
    below += value;
  });
  return bars;
}

/** Every n-th place, so that at most `most` have a label under them; the last one always. */
export function labelledPlaces(places: number, most: number): number[] {
  if (places === 0) return [];
  const step = Math.max(1, Math.ceil(places / Math.max(1, most)));
  return Array.from({ length: places }, (_, place) => place).filter((place) => (places - 1 - place) % step === 0);
}
