// Who is to answer, where no thread says it yet: kept on this device for the next one.

import { Signal } from "@threadline/client";
import { useSession } from "../shell/first-state.ts";
import { useWatched } from "../ui/watch.ts";
import { type Choice, choiceOfWord, wordOf } from "./choice.ts";

const made = new Map<string, Signal<Choice>>();

function keptUnder(key: string): Signal<Choice> {
  const found = made.get(key) ?? new Signal(choiceOfWord(localStorage.getItem(key)));
  made.set(key, found);
  return found;
}

export function useNextChoice(): readonly [Choice, (choice: Choice) => void] {
  const { tenant, end_user_id } = useSession();
  const key = `threadline:choice:${tenant}:${end_user_id ?? ""}`;
  const kept = keptUnder(key);
  const choose = (choice: Choice) => {
    localStorage.setItem(key, wordOf(choice));
    kept.set(choice);
  };
  return [useWatched(kept), choose];
}
