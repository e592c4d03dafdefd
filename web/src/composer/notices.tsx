// One line above the composer: what keeps the conversation from going on.

import { type StreamingChat, useClient, useConnection } from "@threadline/client/react";
import { Archive, type Clock, CloudOff, Hand, RotateCw, TriangleAlert } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { strings } from "../strings.ts";
import { Button } from "../ui/button.tsx";
import { useAgents } from "../ui/models.ts";
import { archivedOf, type Kind, type Notice, noticeOf, ofConnection, Patience, secondsUntil } from "./notices.ts";

const ICONS: Record<Kind, typeof Clock> = {
  "signed out": Hand,
  refused: TriangleAlert,
  offline: CloudOff,
  reconnecting: CloudOff,
  waits: Hand,
  anew: RotateCw,
  failed: TriangleAlert,
  archived: Archive,
};

export function Notices({ chat }: { readonly chat: StreamingChat }) {
  const connection = useConnection();
  const archived = archivedOf(chat.members, useAgents());
  const notice = noticeOf({ connection, run: chat.run, last: chat.messages.at(-1) ?? null, archived });
  const again = notice?.messageId;
  return (
    <Line notice={notice}>
      {again !== undefined && (
        <Button onClick={() => void chat.regenerate(again)}>{strings.composer.answerAgain}</Button>
      )}
    </Line>
  );
}

/** Where there is no conversation yet: what is to be said of the connection. */
export function Connecting() {
  return <Line notice={ofConnection(useConnection())} />;
}

function Line({ notice, children }: { readonly notice: Notice | null; readonly children?: React.ReactNode }) {
  const isShown = usePatience(notice?.kind ?? null);
  const now = isShown ? notice : null;
  const Icon = now === null ? null : ICONS[now.kind];
  return (
    // It is there before it says anything: that is when a screen reader begins to listen.
    <div
      role="status"
      className={now === null ? "sr-only" : "mb-2 flex min-h-9 flex-wrap items-center gap-2 px-2 text-sm text-soft"}
    >
      {now !== null && Icon !== null && (
        <>
          <Icon aria-hidden className="size-4 shrink-0" />
          <span className="min-w-0 max-w-[calc(100%-1.75rem)]">{now.words}</span>
          {now.kind === "reconnecting" && <Countdown at={now.retryAt} />}
          {now.kind === "signed out" && (
            <a
              href={`/sign-in?next=${encodeURIComponent(location.pathname)}`}
              className="font-medium text-accent underline"
            >
              {strings.composer.signIn}
            </a>
          )}
          <TryNow kind={now.kind} />
          {children}
        </>
      )}
    </div>
  );
}

function TryNow({ kind }: { readonly kind: Kind }) {
  const client = useClient();
  if (kind !== "reconnecting" && kind !== "refused" && kind !== "signed out") return null;
  return (
    <Button kind="plain" onClick={() => client.retry()}>
      {strings.composer.tryNow}
    </Button>
  );
}

function Countdown({ at }: { readonly at: number | null | undefined }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const seconds = secondsUntil(at, now);
  // Nobody wants to hear every second.
  return seconds === null ? null : <span aria-hidden>{strings.composer.inSeconds(seconds)}</span>;
}

function usePatience(kind: Kind | null): boolean {
  const [isShown, setIsShown] = useState(false);
  const patience = useRef<Patience>(null);
  useEffect(() => {
    const made = new Patience(setIsShown);
    patience.current = made;
    return () => made.end();
  }, []);
  useEffect(() => patience.current?.want(kind), [kind]);
  return isShown;
}
