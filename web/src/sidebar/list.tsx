// The rows of the list: only those in sight are there, however many conversations somebody has.

import {
  type FocusEvent,
  type KeyboardEvent,
  type ReactElement,
  useCallback,
  useEffect,
  useRef,
  useState,
} from "react";
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
const RETRY_MS = 2_000;
const LINE_PX = 38;

export function List({ rows, current, renaming, can, hasMore, loadMore, onRenamed, onPointing }: Props) {
  const virtual = useRef<VirtualizerHandle>(null);
  const box = useRef<HTMLDivElement>(null);
  // Where the focus is to be, and where it still is: both lines stay in the page, or it would fall out of the list.
  const [focused, setFocused] = useState<string | null>(null);
  const [before, setBefore] = useState<string | null>(null);
  const active = useActive(rows, focused, current);
  const place = rows.findIndex((row) => row.key === active);
  useShownOnce(virtual, rows, current);
  const sought = useRef<string | null>(null);
  const go = useCallback((to: string) => {
    setFocused(to);
    sought.current = to;
    focusSoon(box.current, sought);
  }, []);
  const holding = useHeldFocus(rows, focused, sought, go);
  const fill = useFilling(virtual, rows.length, hasMore, loadMore);
  const onKeyDown = (event: KeyboardEvent) => {
    const next = placeAfter(event.key, rows, place);
    const row = next === null ? undefined : rows[next];
    if (next === null || row === undefined || !(event.target instanceof HTMLAnchorElement)) return;
    event.preventDefault();
    virtual.current?.scrollToIndex(next, { align: "nearest" });
    go(row.key);
  };
  const onFocus = useCallback((id: string) => {
    setFocused(id);
    setBefore(id);
  }, []);
  // Where the list goes, nothing in it is pointed at.
  useEffect(() => () => onPointing(false), [onPointing]);
  const kept = [place, rows.findIndex((row) => row.key === before)].filter((found) => found >= 0);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the lines are links; between them the arrow keys go
    <div
      ref={box}
      onKeyDown={onKeyDown}
      {...holding}
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
              onFocus={onFocus}
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

/** What reads on when the end comes near, for as long as it is near. */
function useFilling(
  virtual: { readonly current: VirtualizerHandle | null },
  length: number,
  hasMore: boolean,
  loadMore: () => Promise<void>,
): () => void {
  const [loads, setLoads] = useState(0);
  const isGoing = useRef(false);
  const retry = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(retry.current), []);
  const fill = () => {
    const list = virtual.current;
    if (list === null || !hasMore || isGoing.current) return;
    if (list.scrollOffset + list.viewportSize < list.scrollSize - LOAD_AHEAD_PX) return;
    isGoing.current = true;
    clearTimeout(retry.current);
    const goOn = () => setLoads((before) => before + 1);
    loadMore()
      .then(goOn, () => {
        // Who is at the end has nowhere to scroll to that would ask again.
        retry.current = setTimeout(goOn, RETRY_MS);
      })
      .finally(() => {
        isGoing.current = false;
      });
  };
  // What was read may have been known already, or be of another view: then it goes on at once.
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever there are other rows than before
  useEffect(() => {
    const frame = requestAnimationFrame(fill);
    return () => cancelAnimationFrame(frame);
  }, [length, hasMore, loads]);
  return fill;
}

/**
 * Keeps the focus in the list while its lines change. A browser takes it from a line that goes: its neighbour gets it. It
 * also takes it from one that is hidden until it was measured where it stands now: that one gets it back.
 */
function useHeldFocus(
  rows: readonly Row[],
  at: string | null,
  sought: { readonly current: string | null },
  go: (to: string) => void,
) {
  const isInside = useRef(false);
  const place = useRef(0);
  useEffect(() => {
    const found = rows.findIndex((row) => row.key === at);
    if (found >= 0) place.current = found;
    if (found >= 0 || !isInside.current || document.activeElement !== document.body) return;
    const isLine = (row: Row) => row.kind === "thread";
    const next = rows.slice(place.current).find(isLine) ?? rows.slice(0, place.current).findLast(isLine);
    if (next !== undefined) go(next.key);
  }, [rows, at, go]);
  const onFocus = () => {
    isInside.current = true;
  };
  const onBlur = ({ target, currentTarget: list }: FocusEvent<HTMLElement>) => {
    const isHidden = getComputedStyle(target).visibility === "hidden";
    queueMicrotask(() => {
      if (list.contains(document.activeElement)) return;
      if (target.isConnected && !isHidden) isInside.current = false;
      else if (isHidden && sought.current === null && target.dataset.thread !== undefined) go(target.dataset.thread);
    });
  };
  return { onFocus, onBlur };
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

/** Focus the line that is sought once it is there and to be seen: one that was out of sight comes with the next frames. */
function focusSoon(box: HTMLElement | null, sought: { current: string | null }, frames = 60): void {
  if (sought.current === null) return;
  const line = box?.querySelector<HTMLElement>(`[data-thread="${CSS.escape(sought.current)}"]`);
  line?.focus({ preventScroll: true });
  if (line != null && document.activeElement === line) sought.current = null;
  else if (frames > 0) requestAnimationFrame(() => focusSoon(box, sought, frames - 1));
}
