// What can be done with a conversation, from wherever it is shown. What is refused is taken back, and said.

import { type Client, Refusal } from "@threadline/client";
import { useClient } from "@threadline/client/react";
import { useMemo } from "react";
import { goTo, pathOf } from "../shell/address.ts";
import { strings } from "../strings.ts";
import { say } from "../ui/toast.tsx";

export interface Deeds {
  readonly rename: (id: string, title: string) => Promise<void>;
  readonly pin: (id: string, isPinned: boolean) => Promise<void>;
  readonly archive: (id: string, isArchived: boolean) => Promise<void>;
  readonly remove: (id: string) => Promise<void>;
}

/** What went wrong, in words for people. */
export function wordsFor(error: unknown): string {
  return error instanceof Refusal ? error.message : strings.ui.unreachable;
}

/** Do something; true once it is done. What goes wrong is said. */
export async function tried(deed: () => Promise<unknown>): Promise<boolean> {
  try {
    await deed();
    return true;
  } catch (error) {
    say(wordsFor(error));
    return false;
  }
}

export function useDeeds(): Deeds {
  const client = useClient();
  return useMemo(() => deedsOf(client), [client]);
}

function deedsOf({ threads }: Client): Deeds {
  return {
    rename: async (id, title) => {
      await tried(() => threads.update(id, { title: title.trim() }));
    },
    pin: async (id, isPinned) => {
      await tried(() => threads.update(id, { pinned: isPinned }));
    },
    archive: async (id, isArchived) => {
      const isDone = await tried(() => threads.update(id, { archived: isArchived }));
      if (isDone) say(isArchived ? strings.sidebar.nowArchived : strings.sidebar.notArchived);
    },
    remove: async (id) => {
      if (location.pathname === pathOf(id)) goTo("/");
      if (!(await tried(() => threads.remove(id))) && location.pathname === "/") goTo(pathOf(id));
    },
  };
}
