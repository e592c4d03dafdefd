// Looking for conversations on the server, beyond those that were loaded. What is found is in the client's list then.

import type { Client } from "@threadline/client";
import { useClient } from "@threadline/client/react";
import { useCallback, useEffect, useState } from "react";

/** What is looked for: words of titles, only what is archived, or both. */
export interface Sought {
  readonly text: string;
  readonly isArchived: boolean;
}

interface Found {
  readonly of: string;
  readonly cursor: string | null;
}

export interface Finding {
  /** The server has not answered yet. */
  readonly isSearching: boolean;
  readonly hasMore: boolean;
  readonly loadMore: () => Promise<void>;
}

const PAUSE_MS = 250;
const RETRY_MS = 2_000;

function ask(client: Client, { text, isArchived }: Sought, cursor: string | null, signal: AbortSignal) {
  const query = {
    limit: 100,
    ...(text === "" ? {} : { q: text }),
    ...(isArchived ? { archived: true } : {}),
    ...(cursor === null ? {} : { cursor }),
  };
  return client.threads.find(query, signal);
}

/** Look for something once somebody has stopped writing; for no words and nothing archived there is nothing to do. */
export function useFinding({ text, isArchived }: Sought): Finding {
  const client = useClient();
  const key = text === "" && !isArchived ? null : `${isArchived}:${text}`;
  const [found, setFound] = useState<Found | null>(null);
  useEffect(() => {
    if (key === null) return;
    const asking = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const search = async () => {
      const page = await ask(client, { text, isArchived }, null, asking.signal).catch(() => null);
      if (asking.signal.aborted) return;
      // Without a server what was loaded is all that there is to find: until it can be asked.
      setFound({ of: key, cursor: page?.next_cursor ?? null });
      if (page === null) timer = setTimeout(() => void search(), RETRY_MS);
    };
    timer = setTimeout(() => void search(), text === "" ? 0 : PAUSE_MS);
    return () => {
      clearTimeout(timer);
      asking.abort();
    };
  }, [client, key, text, isArchived]);
  const cursor = found !== null && found.of === key ? found.cursor : null;
  const loadMore = useCallback(async () => {
    if (cursor === null || key === null) return;
    const page = await ask(client, { text, isArchived }, cursor, new AbortController().signal);
    setFound((now) => (now?.of === key ? { of: key, cursor: page.next_cursor } : now));
  }, [client, key, cursor, text, isArchived]);
  return { isSearching: key !== null && found?.of !== key, hasMore: cursor !== null, loadMore };
}
