// The messages of a conversation, of which a screenful is in the page.

import type { StreamingChat } from "@threadline/client/react";
import { ArrowDown } from "lucide-react";
import { useEffect, useState } from "react";
import { Virtualizer } from "virtua";
import { useSession } from "../shell/first-state.ts";
import { strings } from "../strings.ts";
import { useWatched } from "../ui/watch.ts";
import { Announcer } from "./announcer.tsx";
import { areToBeRead, askedOf, compared, waitingBeside } from "./compared.ts";
import { DeedsProvider } from "./deeds.tsx";
import { MessageOf } from "./message.tsx";
import { useScroll } from "./scroll.ts";
import { waitsForTurn } from "./words.ts";

/** More than a screen shows: they are there, and measured, before anything is painted. */
const FIRST_LINES = 12;

interface Props {
  readonly threadId: string;
  readonly chat: StreamingChat;
}

export function MessageList({ threadId, chat }: Props) {
  const { run, queue } = chat;
  const runs = run === null ? queue : [run, ...queue];
  const choices = useWatched(compared);
  const messages = chat.messages.filter((shown) => !waitsForTurn(shown, run));
  const scroll = useScroll({ threadId, ...chat, messages });
  const keepMounted = useFirstLines(messages.length, scroll.left === null);
  const { end_user_id } = useSession();
  const mayWrite = !chat.members.some((one) => one.end_user_id === end_user_id && one.role === "viewer");
  const sizes = scroll.left?.count === messages.length ? scroll.left.sizes : undefined;
  return (
    <DeedsProvider threadId={threadId} mayWrite={mayWrite} chat={chat}>
      <div className="relative min-h-0 flex-1">
        {scroll.isLoading && (
          <p className="absolute inset-x-0 top-2 z-10 mx-auto w-fit rounded-full border border-line bg-ground px-3 py-1 text-sm text-soft shadow">
            {strings.chat.loadingOlder}
          </p>
        )}
        <div
          ref={scroll.scroller}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys
          tabIndex={0}
          className="messages h-full overflow-y-auto overscroll-contain md:[scrollbar-gutter:stable_both-edges]"
        >
          <Virtualizer
            ref={scroll.handle}
            as="ol"
            item="li"
            data={messages}
            shift={scroll.isShifted}
            keepMounted={keepMounted}
            {...(sizes === undefined ? {} : { cache: sizes })}
            onScroll={scroll.onScroll}
            onResize={scroll.onResize}
          >
            {(shown) => {
              const { id, parent_id } = shown.message;
              const siblings = chat.siblings(id);
              const waiting = waitingBeside(parent_id, siblings, runs);
              const isLast = shown === messages.at(-1);
              const standing = { message: shown.message, siblings, waiting, isLast };
              const asked = askedOf(choices, standing);
              return (
                <MessageOf
                  // Where answers stand side by side, whichever is the active one is in the same place.
                  key={asked !== null ? parent_id : shown.key}
                  shown={shown}
                  siblings={siblings}
                  run={run !== null && run.output_message_id === id ? run : null}
                  waiting={waiting}
                  asked={asked}
                  isToBeRead={areToBeRead(choices, standing)}
                />
              );
            }}
          </Virtualizer>
        </div>
        {!scroll.isFollowing && (
          <button
            type="button"
            onClick={scroll.toEnd}
            className="absolute inset-x-0 bottom-3 mx-auto flex w-fit items-center gap-1.5 rounded-full border border-line bg-ground px-3 py-1.5 text-sm shadow-md hover:bg-raised"
          >
            <ArrowDown aria-hidden className="size-4" />
            {strings.chat.toLatest}
          </button>
        )}
        <Announcer chat={chat} />
      </div>
    </DeedsProvider>
  );
}

function useFirstLines(count: number, isNeeded: boolean): number[] {
  const [isOver, setOver] = useState(!isNeeded);
  useEffect(() => {
    const timer = setTimeout(() => setOver(true), 1_000);
    return () => clearTimeout(timer);
  }, []);
  if (isOver) return NONE;
  return Array.from({ length: Math.min(FIRST_LINES, count) }, (_, place) => count - 1 - place);
}

const NONE: number[] = [];
