// Which rows of the list are to be seen, and that they keep still while somebody points at them.

import type { ListedThread } from "@threadline/client";
import { useThreads } from "@threadline/client/react";
import { useEffect, useMemo, useRef, useState } from "react";
import { type Sought, useFinding } from "./finding.ts";
import { groupedRows, held, isSought, orderHeld, type Row, rowOf } from "./rows.ts";

export interface ShownList {
  readonly rows: readonly Row[];
  /** There may be rows that nobody knows of yet. */
  readonly isLoading: boolean;
  readonly hasMore: boolean;
  readonly loadMore: () => Promise<void>;
}

/** Something a person would see as the same day is the same value. */
function useToday(): Date {
  const [today, setToday] = useState(() => new Date());
  useEffect(() => {
    const look = () =>
      setToday((before) => (before.toDateString() === new Date().toDateString() ? before : new Date()));
    const timer = setInterval(look, 60_000);
    return () => clearInterval(timer);
  }, []);
  return today;
}

export function useShownList({ text, isArchived }: Sought, isPointing: boolean): ShownList {
  const { threads, found, isFresh, hasMore, loadMore } = useThreads();
  const finding = useFinding({ text, isArchived });
  const today = useToday();
  const wanted = useMemo(() => {
    if (text === "" && !isArchived) return threads.filter((thread) => !thread.archived);
    const all = [...threads, ...found];
    return all.filter((thread) => (thread.archived || !isArchived) && isSought(thread, text));
  }, [threads, found, text, isArchived]);
  const still = useStill(wanted, `${isArchived}:${text}`, isPointing);
  const rows = useMemo(() => (text === "" ? groupedRows(still, today) : still.map(rowOf)), [still, text, today]);
  const isFinding = text !== "" || isArchived;
  return {
    rows,
    isLoading: isFinding ? finding.isSearching : !isFresh,
    hasMore: isFinding ? finding.hasMore : hasMore,
    loadMore: isFinding ? finding.loadMore : loadMore,
  };
}

/** The same threads, in the order in which they stood when somebody began to point at them. */
function useStill(threads: readonly ListedThread[], of: string, isPointing: boolean): readonly ListedThread[] {
  const order = useRef<{ of: string; ids: readonly string[] }>({ of, ids: [] });
  const before = order.current;
  const isHeld = isPointing && before.of === of;
  const ids = useMemo(() => {
    const now = threads.map((thread) => thread.id);
    return isHeld ? orderHeld(before.ids, now) : now;
  }, [threads, isHeld, before]);
  useEffect(() => {
    order.current = { of, ids };
  }, [ids, of]);
  return useMemo(() => held(threads, ids), [threads, ids]);
}
