// The rows of the list: only those in sight are there, however many conversations somebody has.

import { type KeyboardEvent, type ReactElement, useEffect, useRef, useState } from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import { strings } from "../strings.ts";
import { placeAfter } from "./keys.ts";
import { Line, type LineDeeds } from "./line.tsx";
import type { Row } from "./rows.ts";

interface Props {
  readonly rows: readonly Row[];
  readonly current: string | null;
  readonly renaming: string | null;
  readonly can: LineDeeds;
  readonly hasMore: boolean;
  readonly loadMore: () => Promise<void>;
  readonly onRenamed: (id: string, title: string | null) => void;
  readonly onPointing: (isPointing: boolean) => void;
}

const LOAD_AHEAD_PX = 600;
const LINE_PX = 38;

export function List({ rows, current, renaming, can, hasMore, loadMore, onRenamed, onPointing }: Props) {
  const virtual = useRef<VirtualizerHandle>(null);
  const box = useRef<HTMLDivElement>(null);
  const [focused, setFocused] = useState<string | null>(null);
  const active = useActive(rows, focused, current);
  const place = rows.findIndex((row) => row.key === active);
  useShownOnce(virtual, rows, current);
  const isFull = useRef(false);
  const fill = () => {
    const list = virtual.current;
    if (list === null || !hasMore || isFull.current) return;
    if (list.scrollOffset + list.viewportSize < list.scrollSize - LOAD_AHEAD_PX) return;
    isFull.current = true;
    // Offline there is no more: the next scroll asks again.
    void loadMore()
      .catch(() => undefined)
      .finally(() => {
        isFull.current = false;
      });
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever there are other rows than before
  useEffect(fill, [rows.length, hasMore]);
  const onKeyDown = (event: KeyboardEvent) => {
    const next = placeAfter(event.key, rows, place);
    const row = next === null ? undefined : rows[next];
    if (next === null || row === undefined || !(event.target instanceof HTMLAnchorElement)) return;
    event.preventDefault();
    setFocused(row.key);
    virtual.current?.scrollToIndex(next, { align: "nearest" });
    focusSoon(box.current, row.key);
  };
  const kept = place < 0 ? [] : [place];
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the lines are links; between them the arrow keys go
    <div
      ref={box}
      onKeyDown={onKeyDown}
      onPointerEnter={() => onPointing(true)}
      onPointerLeave={() => onPointing(false)}
      className="relative min-h-0 flex-1 overflow-y-auto overscroll-contain px-2 pb-2"
    >
      <Virtualizer
        ref={virtual}
        as="ul"
        item="li"
        data={rows}
        itemSize={LINE_PX}
        keepMounted={kept}
        onScroll={fill}
        onResize={fill}
      >
        {(row): ReactElement =>
          row.kind === "group" ? (
            <h2 key={row.key} className="px-2.5 pt-4 pb-1 text-xs font-semibold text-soft">
              {strings.sidebar.groups[row.key]}
            </h2>
          ) : (
            <Line
              key={row.key}
              thread={row.thread}
              isFound={rows[0]?.kind === "thread"}
              isCurrent={row.key === current}
              isActive={row.key === active}
              isRenaming={row.key === renaming}
              can={can}
              onFocus={setFocused}
              onRenamed={onRenamed}
            />
          )
        }
      </Virtualizer>
    </div>
  );
}

/** The line that the Tab key comes to: where somebody was last, else the one that is open, else the first. */
function useActive(rows: readonly Row[], focused: string | null, current: string | null): string | null {
  const has = (key: string | null) => key !== null && rows.some((row) => row.key === key);
  if (has(focused)) return focused;
  if (has(current)) return current;
  return rows.find((row) => row.kind === "thread")?.key ?? null;
}

/** Bring the open conversation into sight, once it is there to be seen. */
function useShownOnce(
  virtual: { readonly current: VirtualizerHandle | null },
  rows: readonly Row[],
  current: string | null,
): void {
  const shown = useRef<string | null>(null);
  useEffect(() => {
    const place = rows.findIndex((row) => row.key === current);
    if (current === null || place < 0 || shown.current === current) return;
    shown.current = current;
    virtual.current?.scrollToIndex(place, { align: "nearest" });
  }, [virtual, rows, current]);
}

/** Focus a line once it is there and to be seen: one that was out of sight comes with the next frames. */
function focusSoon(box: HTMLElement | null, id: string, frames = 30): void {
  const line = box?.querySelector<HTMLElement>(`[data-thread="${CSS.escape(id)}"]`);
  line?.focus({ preventScroll: true });
  const isThere = line != null && document.activeElement === line;
  if (!isThere && frames > 0) requestAnimationFrame(() => focusSoon(box, id, frames - 1));
}
