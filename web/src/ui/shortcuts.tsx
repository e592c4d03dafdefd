// The keys of the app: a dialog that lists them, behind "?" and behind a button.

import { Signal } from "@threadline/client";
import { Suspense, useEffect } from "react";
import { strings } from "../strings.ts";
import { later } from "./later.tsx";
import { useWatched } from "./watch.ts";

const ListOfShortcuts = later(() => import("./shortcut-list.tsx"));

const isOpen = new Signal(false);

/** Open the list. */
export function showShortcuts(): void {
  isOpen.set(true);
}

/** Opens the list. */
export function HintOfShortcuts() {
  return (
    <button
      type="button"
      onClick={showShortcuts}
      className="underline decoration-line underline-offset-2 hover:text-text"
    >
      {strings.ui.shortcuts}
    </button>
  );
}

/** Once in the app: hears "?" wherever nobody is writing. */
export function Shortcuts() {
  const open = useWatched(isOpen);
  useEffect(() => {
    const hear = (event: KeyboardEvent) => {
      if (event.key !== "?" || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const at = event.target as HTMLElement | null;
      if (at?.closest("input, textarea, select, [contenteditable]") != null) return;
      event.preventDefault();
      isOpen.set(true);
    };
    addEventListener("keydown", hear);
    return () => removeEventListener("keydown", hear);
  }, []);
  if (!open) return null;
  return (
    <Suspense>
      <ListOfShortcuts onClose={() => isOpen.set(false)} />
    </Suspense>
  );
}
