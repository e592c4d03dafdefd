// "‹ 2 of 3 ›": goes from one branch to the next.

import type { Message } from "@threadline/client";
import { useClient } from "@threadline/client/react";
import { ChevronLeft, ChevronRight } from "lucide-react";
import { type RefObject, useEffect, useRef, useState } from "react";
import { strings } from "../strings.ts";
import { IconButton } from "../ui/button.tsx";
import { useDeeds } from "./deeds.tsx";

interface Props {
  readonly message: Message;
  readonly siblings: readonly Message[];
}

/** "2 of 3". What a page said of it may be older than what has been heard of since. */
export function standingOf({ id, siblings }: Message, known: readonly Message[]): { position: number; count: number } {
  const count = Math.max(known.length, siblings?.count ?? 1);
  const place = known.findIndex((one) => one.id === id) + 1;
  return { position: known.length >= count ? place : (siblings?.position ?? place), count };
}

type Step = 1 | -1;

// The message that somebody goes to, and by which button: that one goes away with its branch.
let coming: { readonly id: string; readonly by: Step } | null = null;

export function BranchSwitcher({ message, siblings }: Props) {
  const client = useClient();
  const nav = useRef<HTMLElement>(null);
  useFocusKept(message.id, nav);
  const { threadId, switchTo } = useDeeds();
  const [isBusy, setBusy] = useState(false);
  const { position, count } = standingOf(message, siblings);
  if (count < 2) return null;
  const go = async (by: Step) => {
    setBusy(true);
    try {
      const all = siblings.length >= count ? siblings : await client.thread(threadId).loadSiblings(message.id);
      const target = all[all.findIndex(({ id }) => id === message.id) + by];
      if (target === undefined) return;
      coming = { id: target.id, by };
      await switchTo(target.id);
    } finally {
      setBusy(false);
    }
  };
  return (
    <nav ref={nav} aria-label={strings.chat.branches} className="flex items-center text-sm text-soft">
      <IconButton label={strings.chat.earlierBranch} disabled={isBusy || position <= 1} onClick={() => void go(-1)}>
        <ChevronLeft aria-hidden className="size-4" />
      </IconButton>
      <span className="tabular-nums">{strings.chat.standing(position, count)}</span>
      <IconButton label={strings.chat.laterBranch} disabled={isBusy || position >= count} onClick={() => void go(1)}>
        <ChevronRight aria-hidden className="size-4" />
      </IconButton>
    </nav>
  );
}

/** How many frames a line may take until it can be focused: a list hides what it has not measured. */
const FRAMES_MAX = 20;

function useFocusKept(id: string, nav: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    if (coming?.id !== id) return;
    const { by } = coming;
    coming = null;
    let frame = 0;
    const focus = (left: number) => {
      // Whoever has gone elsewhere by now stays there.
      if (left === 0 || (document.activeElement ?? document.body) !== document.body) return;
      const [earlier, later] = nav.current?.querySelectorAll("button") ?? [];
      const [same, other] = by === 1 ? [later, earlier] : [earlier, later];
      (same?.disabled ? other : same)?.focus();
      frame = requestAnimationFrame(() => focus(left - 1));
    };
    focus(FRAMES_MAX);
    return () => cancelAnimationFrame(frame);
  }, [id, nav]);
}
