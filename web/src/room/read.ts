// How far somebody has read: to the end, once the end is in sight of somebody who looks.

import { useClient, useThreads } from "@threadline/client/react";
import { useEffect, useRef, useState } from "react";

/** So far from the last line one still sees it. */
const NEAR_PX = 120;
const RETRY_MS = 2_000;

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
  const isMissed = useRef(false);
  const [tries, setTries] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what could not be said is said again
  useEffect(() => {
    if (unread === 0 || !isReady) return;
    const look = async () => {
      if (document.visibilityState === "hidden" || !isAtEnd()) return;
      // What has come meanwhile was looked at, too: the answer that is on its way may not know of it.
      isMissed.current = isGoing.current;
      if (isGoing.current) return;
      isGoing.current = true;
      const said = () => client.threads.markRead(id);
      await said()
        .then(() => (isMissed.current ? said() : undefined))
        .catch(() => setTimeout(() => setTries((before) => before + 1), RETRY_MS));
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
  }, [client, id, unread, isReady, tries]);
}
