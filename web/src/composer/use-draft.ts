// The drafts of whoever is signed in.

import { useSession } from "../shell/first-state.ts";
import { useWatched } from "../ui/watch.ts";
import { type Draft, Drafts } from "./drafts.ts";

const made = new Map<string, Drafts>();

function storageHere(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

function draftsOf(whose: string): Drafts {
  let found = made.get(whose);
  if (found === undefined) {
    const drafts = new Drafts(whose, storageHere());
    found = drafts;
    made.set(whose, drafts);
    addEventListener("pagehide", () => drafts.flush());
    document.addEventListener("visibilitychange", () => drafts.flush());
    addEventListener("storage", ({ key, oldValue, newValue }) => drafts.hear(key, oldValue, newValue));
  }
  return found;
}

export function useDrafts(): Drafts {
  const { tenant, end_user_id } = useSession();
  return draftsOf(`${tenant}:${end_user_id ?? ""}`);
}

/** The draft of a place, and what changes it. */
export function useDraft(place: string): readonly [Draft, (draft: Draft) => void] {
  const drafts = useDrafts();
  return [useWatched(drafts.of(place)), (draft) => drafts.set(place, draft)];
}
