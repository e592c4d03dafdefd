// Something that the server is asked for: once, or again and again while somebody looks.

import { useCallback, useEffect, useRef, useState } from "react";

export interface Answer<Value> {
  /** The newest answer, also while another one is on its way. */
  readonly value: Value | null;
  /** Why there is no newer one. */
  readonly error: unknown;
  readonly isLoading: boolean;
  readonly reload: () => void;
}

type Ask<Value> = (signal: AbortSignal) => Promise<Value>;

interface State<Value> {
  readonly value: Value | null;
  readonly error: unknown;
  readonly isLoading: boolean;
}

/** Ask, and ask anew when `ask` changes; with `everyMs` also after so long, while the page is to be seen. */
export function useAsked<Value>(ask: Ask<Value>, everyMs = 0): Answer<Value> {
  const [state, setState] = useState<State<Value>>({ value: null, error: null, isLoading: true });
  const again = useRef<() => void>(() => undefined);
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let newest = 0;
    const turn = async () => {
      clearTimeout(timer);
      newest += 1;
      const own = newest;
      // What was asked for before something changed does not undo what was asked for after it.
      const isOver = () => abort.signal.aborted || own !== newest;
      setState((before) => ({ ...before, isLoading: true }));
      try {
        const value = await ask(abort.signal);
        if (!isOver()) setState({ value, error: null, isLoading: false });
      } catch (error) {
        if (!isOver()) setState((before) => ({ ...before, error, isLoading: false }));
      }
      if (everyMs > 0 && !isOver() && !document.hidden) timer = setTimeout(() => void turn(), everyMs);
    };
    again.current = () => void turn();
    const onSeen = () => {
      if (everyMs > 0 && !document.hidden) void turn();
    };
    document.addEventListener("visibilitychange", onSeen);
    void turn();
    return () => {
      abort.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onSeen);
    };
  }, [ask, everyMs]);
  const reload = useCallback(() => again.current(), []);
  return { ...state, reload };
}

export interface Page<Item> {
  readonly data: readonly Item[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

export interface Pages<Item> {
  readonly items: readonly Item[] | null;
  readonly error: unknown;
  readonly isLoading: boolean;
  readonly hasMore: boolean;
  readonly more: () => void;
  readonly reload: () => void;
}

type AskPage<Item> = (cursor: string | null, signal: AbortSignal) => Promise<Page<Item>>;

interface Read<Item> {
  readonly items: readonly Item[] | null;
  readonly cursor: string | null;
  readonly error: unknown;
  readonly isLoading: boolean;
}

/** A list that is read page by page. */
export function usePages<Item>(ask: AskPage<Item>): Pages<Item> {
  const [read, setRead] = useState<Read<Item>>({ items: null, cursor: null, error: null, isLoading: true });
  const abort = useRef(new AbortController());
  const load = useCallback(
    async (cursor: string | null) => {
      abort.current.abort();
      abort.current = new AbortController();
      const { signal } = abort.current;
      setRead((before) => ({ ...before, isLoading: true }));
      try {
        const page = await ask(cursor, signal);
        if (signal.aborted) return;
        setRead((before) => ({
          items: cursor === null ? page.data : [...(before.items ?? []), ...page.data],
          cursor: page.has_more ? page.next_cursor : null,
          error: null,
          isLoading: false,
        }));
      } catch (error) {
        if (!signal.aborted) setRead((before) => ({ ...before, error, isLoading: false }));
      }
    },
    [ask],
  );
  useEffect(() => {
    void load(null);
    return () => abort.current.abort();
  }, [load]);
  const reload = useCallback(() => void load(null), [load]);
  const more = () => void load(read.cursor);
  return { ...read, hasMore: read.cursor !== null, more, reload };
}
