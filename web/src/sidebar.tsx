// The list of conversations, as it changes.

import type { Client } from "@threadline/client";
import type { MouseEvent } from "react";
import { goTo } from "./address.ts";
import type { Session } from "./first-state.ts";
import { strings } from "./strings.ts";
import { useWatched } from "./watch.ts";

interface Props {
  readonly client: Client;
  readonly session: Session;
  readonly current: string | null;
  readonly onSignOut: () => void;
}

export function Sidebar({ client, session, current, onSignOut }: Props) {
  const { threads, isFresh } = useWatched(client.threads.view);
  const begin = async () => goTo((await client.createThread()).id);
  return (
    <nav className="sidebar" aria-label={strings.conversations}>
      <button type="button" onClick={() => void begin()}>
        {strings.newThread}
      </button>
      {isFresh && threads.length === 0 && <p className="soft">{strings.nothingYet}</p>}
      <ul>
        {threads.map((thread) => (
          <li key={thread.id}>
            <a
              href={`/t/${thread.id}`}
              aria-current={thread.id === current ? "page" : undefined}
              onClick={(event) => follow(event, thread.id)}
            >
              <span dir="auto">{thread.title ?? strings.untitled}</span>
              {thread.active_run_id !== null && <span className="dot" aria-hidden="true" />}
            </a>
          </li>
        ))}
      </ul>
      <footer>
        <span className="soft">{session.end_user_id}</span>
        <button type="button" className="quiet" onClick={onSignOut}>
          {strings.signOut}
        </button>
      </footer>
    </nav>
  );
}

function follow(event: MouseEvent, threadId: string): void {
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  goTo(threadId);
}
