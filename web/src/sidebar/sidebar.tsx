// The list of conversations, as it changes.

import type { Thread } from "@threadline/client";
import { useClient, useThreads } from "@threadline/client/react";
import { LogOut, Plus } from "lucide-react";
import { follow, goTo, pathOf } from "../shell/address.ts";
import { signOut, useSession } from "../shell/first-state.ts";
import { strings } from "../strings.ts";
import { Button, IconButton } from "../ui/button.tsx";

export function Sidebar({ current }: { readonly current: string | null }) {
  const { threads, isFresh } = useThreads();
  return (
    <nav
      aria-label={strings.sidebar.conversations}
      className="flex min-h-0 flex-col gap-2 border-e border-line bg-raised p-3"
    >
      <Button onClick={() => goTo("/")}>
        <Plus aria-hidden className="size-4" />
        {strings.sidebar.newThread}
      </Button>
      {isFresh && threads.length === 0 && <p className="p-2 text-sm text-soft">{strings.sidebar.nothingYet}</p>}
      <ul className="min-h-0 flex-1 overflow-y-auto">
        {threads.map((thread) => (
          <Line key={thread.id} thread={thread} isCurrent={thread.id === current} />
        ))}
      </ul>
      <Whose />
    </nav>
  );
}

function Line({ thread, isCurrent }: { readonly thread: Thread; readonly isCurrent: boolean }) {
  return (
    <li>
      <a
        href={pathOf(thread.id)}
        onClick={follow}
        aria-current={isCurrent ? "page" : undefined}
        className="flex items-center justify-between gap-2 rounded-lg px-3 py-1.5 text-sm aria-[current]:bg-line"
      >
        <span dir="auto" className="truncate">
          {thread.title ?? strings.sidebar.untitled}
        </span>
        {thread.active_run_id !== null && <span className="size-2 shrink-0 rounded-full bg-accent" aria-hidden />}
      </a>
    </li>
  );
}

function Whose() {
  const client = useClient();
  const session = useSession();
  return (
    <footer className="flex items-center justify-between text-sm text-soft">
      <span>{session.end_user_id}</span>
      <IconButton label={strings.sidebar.signOut} onClick={() => void signOut(client)}>
        <LogOut aria-hidden className="size-4" />
      </IconButton>
    </footer>
  );
}
