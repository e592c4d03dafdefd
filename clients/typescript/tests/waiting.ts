// Waits for what a screen would show.

import type { Readable } from "../src/signal.ts";
import type { ThreadView } from "../src/view.ts";

/** Resolves with the first value that fits. A test's own time-out is the limit. */
export function until<Value>(signal: Readable<Value>, fits: (value: Value) => boolean): Promise<Value> {
  return new Promise((resolve) => {
    let end = () => {};
    const look = () => {
      const value = signal.get();
      if (!fits(value)) return;
      queueMicrotask(() => end());
      resolve(value);
    };
    end = signal.subscribe(look);
    look();
  });
}

/** What a screen says, line by line. */
export function words(view: ThreadView): string[] {
  return view.messages.map(({ message }) =>
    message.content.map((block) => ("text" in block ? block.text : "")).join(""),
  );
}

/** Whether the last line is an answer that is whole. */
export function isAnswered(view: ThreadView): boolean {
  const last = view.messages.at(-1);
  return last?.message.role === "assistant" && last.message.status === "complete" && view.run === null;
}

export function counted(number: number): string {
  return Array.from({ length: number }, (_, place) => `w${place}`).join(" ");
}
