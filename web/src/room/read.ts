// How far somebody has read: to the end, once the end is in sight of somebody who looks.

import { useClient, useThreads } from "@threadline/client/react";
import { useEffect, useRef } from "react";

/** So far from the last line one still sees it. */
const NEAR_PX = 120;

function isAtEnd(): boolean {
  let box: Element | null | undefined = document.querySelector("main article.message");
  while (box && !/auto|scroll/.test(getComputedStyle(box).overflowY)) box = box.parentElement;
  return box == null || box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;
}

/** Mark a thread as read whenever there is something unread and its end is looked at. */
export function useReadMark(id: string, isReady: boolean): void {
  const client = useClient();
  const { threads, found, isFresh } = useThreads();
  const listed = [...threads, ...found].find((thread) => thread.id === id);
  // Of a thread that the list does not reach nobody knows: it is said once.
  const unread = isFresh && listed === undefined ? -1 : (listed?.unread_count ?? 0);
  const isGoing = useRef(false);
  useEffect(() => {
    if (unread === 0 || !isReady) return;
    const look = async () => {
      if (isGoing.current || document.visibilityState === "hidden" || !isAtEnd()) return;
      isGoing.current = true;
      await client.threads.markRead(id).catch(() => undefined);
      isGoing.current = false;
    };
    // After the words are laid out: where the end is depends on them.
    const frame = requestAnimationFrame(() => void look());
    const onLook = () => void look();
    document.addEventListener("visibilitychange", onLook);
    document.addEventListener("scroll", onLook, { capture: true, passive: true });
    return () => {
      cancelAnimationFrame(frame);
      document.removeEventListener("visibilitychange", onLook);
      document.removeEventListener("scroll", onLook, { capture: true });
    };
  }, [client, id, unread, isReady]);
}
