// The scroll position of a conversation: at its end until somebody goes up, and then where he is.

import type { Shown } from "@threadline/client";
import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { VirtualizerHandle } from "virtua";
import { followsAfter, type Place } from "./follow.ts";
import { type Left, leave, placeLeft } from "./places.ts";

/** From here on upwards older messages are loaded. */
const NEAR_TOP_PX = 1_200;
const RETRY_MS = 2_000;

interface Options {
  readonly threadId: string;
  readonly messages: readonly Shown[];
  readonly hasOlder: boolean;
  readonly loadOlder: () => Promise<void>;
}

export interface Scroll {
  readonly scroller: RefObject<HTMLDivElement | null>;
  readonly handle: RefObject<VirtualizerHandle | null>;
  readonly isFollowing: boolean;
  readonly isLoading: boolean;
  /** Older messages came in front since the last time: the list counts from its end. */
  readonly isShifted: boolean;
  /** Where one was the last time; null at the end. */
  readonly left: Left | null;
  readonly toEnd: () => void;
  readonly onScroll: () => void;
  readonly onResize: () => void;
}

export function useScroll({ threadId, messages, hasOlder, loadOlder }: Options): Scroll {
  const scroller = useRef<HTMLDivElement>(null);
  const handle = useRef<VirtualizerHandle>(null);
  const [left] = useState(() => known(placeLeft(threadId), messages));
  const follows = useRef(left === null);
  const before = useRef<Place>({ top: 0, height: 0, viewport: 0 });
  const [isFollowing, setFollowing] = useState(left === null);
  const isShifted = useShifted(messages);
  const older = useOlder(hasOlder, loadOlder);

  const stay = () => {
    const box = scroller.current;
    if (follows.current && box !== null) toBottom(box);
    // Where nothing can be scrolled, nobody can ask for more by scrolling.
    if (!follows.current || (box !== null && box.scrollHeight <= box.clientHeight)) older.loadNear(box);
  };
  const onScroll = () => {
    if (scroller.current === null) return;
    const after = placeOf(scroller.current);
    follows.current = followsAfter(follows.current, before.current, after);
    before.current = after;
    setFollowing(follows.current);
    older.loadNear(scroller.current);
  };
  const toEnd = () => {
    follows.current = true;
    setFollowing(true);
    stay();
  };

  // biome-ignore lint/correctness/useExhaustiveDependencies: only at the beginning; from then on the person moves it
  useLayoutEffect(() => {
    if (left !== null) return beginAt(handle.current, left, messages);
    if (scroller.current !== null) toBottom(scroller.current);
  }, []);
  // What one says oneself is always looked at.
  const own = messages.findLast(({ delivery }) => delivery === "pending")?.key;
  // biome-ignore lint/correctness/useExhaustiveDependencies: with every message that is sent here
  useLayoutEffect(() => {
    if (own !== undefined) toEnd();
  }, [own]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: when lines come and go, and when older ones may be asked for again
  useLayoutEffect(stay, [messages.length, older.isLoading]);
  const latest = useRef(messages);
  latest.current = messages;
  // Before the list lets go of its sizes.
  useLayoutEffect(
    () => () => leave(threadId, follows.current ? null : whereOf(handle.current, before.current.top, latest.current)),
    [threadId],
  );
  return {
    scroller,
    handle,
    isFollowing,
    isLoading: older.isLoading,
    isShifted,
    left,
    toEnd,
    onScroll,
    onResize: stay,
  };
}

function useShifted(messages: readonly Shown[]): boolean {
  const first = useRef(messages[0]?.key);
  const isShifted = first.current !== messages[0]?.key && messages.some(({ key }) => key === first.current);
  useEffect(() => {
    first.current = messages[0]?.key;
  });
  return isShifted;
}

function useOlder(hasOlder: boolean, loadOlder: () => Promise<void>) {
  const [isLoading, setLoading] = useState(false);
  const isBusy = useRef(false);
  const loadNear = (scroller: HTMLDivElement | null) => {
    if (!hasOlder || isBusy.current || scroller === null || scroller.scrollTop > NEAR_TOP_PX) return;
    isBusy.current = true;
    setLoading(true);
    loadOlder()
      // Who is at the top has nowhere to scroll to that would ask again.
      .catch(() => new Promise((wake) => setTimeout(wake, RETRY_MS)))
      .finally(() => {
        isBusy.current = false;
        setLoading(false);
      });
  };
  return { isLoading, loadNear };
}

function placeOf(scroller: HTMLElement): Place {
  return { top: scroller.scrollTop, height: scroller.scrollHeight, viewport: scroller.clientHeight };
}

function toBottom(scroller: HTMLElement): void {
  const bottom = scroller.scrollHeight - scroller.clientHeight;
  if (Math.abs(scroller.scrollTop - bottom) < 1) return;
  scroller.scrollTop = bottom;
  // The list hears of it within this frame, and not in the next one.
  scroller.dispatchEvent(new Event("scroll"));
}

function known(left: Left | null, messages: readonly Shown[]): Left | null {
  return left !== null && messages.some(({ key }) => key === left.key) ? left : null;
}

function beginAt(handle: VirtualizerHandle | null, { key, beyond }: Left, messages: readonly Shown[]): void {
  const index = messages.findIndex((shown) => shown.key === key);
  handle?.scrollToIndex(index, { align: "start", offset: beyond });
}

function whereOf(handle: VirtualizerHandle | null, top: number, messages: readonly Shown[]): Left | null {
  if (handle === null) return null;
  const index = handle.findItemIndex(top);
  const key = messages[index]?.key;
  if (key === undefined) return null;
  return { key, beyond: top - handle.getItemOffset(index), sizes: handle.cache, count: messages.length };
}
