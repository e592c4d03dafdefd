// Waits for what a screen would show.

import { vi } from "vitest";
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

/** Let seconds of false time pass, and everything that comes of it. */
export async function pass(seconds: number): Promise<void> {
  for (let ms = 0; ms < seconds * 1000; ms += 250) {
    await vi.advanceTimersByTimeAsync(250);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
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
