// Words that come for a moment: what was refused, or done elsewhere on the page. Screen readers read them out.

import { Signal } from "@threadline/client";
import { useEffect } from "react";
import { useWatched } from "./watch.ts";

interface Said {
  readonly text: string;
}

const said = new Signal<Said | null>(null);
const SHOWN_MS = 6_000;

/** Show words for a moment. */
export function say(text: string): void {
  said.set({ text });
}

export function Toasts() {
  const now = useWatched(said);
  useEffect(() => {
    if (now === null) return;
    const timer = setTimeout(() => said.set(null), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [now]);
  return (
    <div role="status" className="pointer-events-none fixed inset-x-4 bottom-6 z-50 flex justify-center">
      {now !== null && (
        <p className="max-w-lg rounded-xl bg-text px-4 py-2.5 text-sm text-ground shadow-lg" dir="auto">
          {now.text}
        </p>
      )}
    </div>
  );
}
