// What a chart says of the place that somebody points at, with a pointer or with the arrow keys.

import { type KeyboardEvent, type PointerEvent, useState } from "react";
import { Mark } from "./frame.tsx";
import type { Series } from "./plot.ts";

export interface Pointed {
  readonly place: number | null;
  readonly handlers: {
    readonly onPointerMove: (event: PointerEvent) => void;
    readonly onPointerLeave: () => void;
    readonly onKeyDown: (event: KeyboardEvent) => void;
    readonly onBlur: () => void;
  };
}

/** `placeAt` says which place lies at so many pixels from the left. */
export function usePointed(places: number, placeAt: (x: number) => number): Pointed {
  const [place, setPlace] = useState<number | null>(null);
  const inside = (wanted: number) => Math.max(0, Math.min(places - 1, wanted));
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape") setPlace(null);
    if (step === undefined) return;
    event.preventDefault();
    setPlace((before) => inside((before ?? places) + step));
  };
  const onPointerMove = (event: PointerEvent) => {
    const { left } = event.currentTarget.getBoundingClientRect();
    setPlace(inside(placeAt(event.clientX - left)));
  };
  const leave = () => setPlace(null);
  const shown = place === null || places === 0 ? null : inside(place);
  return { place: shown, handlers: { onPointerMove, onPointerLeave: leave, onKeyDown, onBlur: leave } };
}

interface Props {
  readonly title: string;
  readonly series: readonly Series[];
  readonly place: number;
  readonly x: number;
  readonly width: number;
  readonly write: (value: number | null) => string;
  /** Leave out what has nothing there. */
  readonly isSparse?: boolean;
}

export function Tip({ title, series, place, x, width, write, isSparse = false }: Props) {
  const side = x > width / 2 ? { right: width - x + 10 } : { left: x + 10 };
  const shown = isSparse ? series.filter((one) => (one.values[place] ?? 0) !== 0) : series;
  return (
    <div
      role="status"
      style={side}
      className="pointer-events-none absolute top-0 z-10 grid min-w-28 max-w-64 gap-1 rounded-lg border border-line bg-ground px-2.5 py-2 text-xs shadow-lg"
    >
      <p className="text-soft">{title}</p>
      {shown.map((one) => (
        <p key={one.name} className="flex items-center gap-1.5">
          <Mark series={one} />
          <span dir="auto" className="min-w-0 flex-1 truncate">
            {one.name}
          </span>
          <span className="ms-3 font-medium tabular-nums">{write(one.values[place] ?? null)}</span>
        </p>
      ))}
    </div>
  );
}
