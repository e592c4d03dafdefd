// Names, times and sizes, as one says them. Pure.

import type { Block, Run, Shown, ShownMessage } from "@threadline/client";
import { strings } from "../strings.ts";

export function isOwn({ role, author }: ShownMessage, me: string | null): boolean {
  return role === "user" && (author.id === null ? author.name === undefined : author.id === me);
}

/** Whether it stands, or comes to stand, in the line above the place to write: it is no part of the conversation yet. */
export function waitsForTurn({ delivery }: Shown, run: Run | null): boolean {
  return delivery === "queued" || (delivery === "pending" && run !== null);
}

/** The same name as on the server's pages. */
export function authorOf(message: ShownMessage, modelName: (id: string) => string): string {
  const { role, author } = message;
  if (author.name || (role === "user" && author.id)) return author.name ?? author.id ?? "";
  const model = saysItself(message) ? modelName(message.model) : strings.chat.assistant;
  return { user: strings.chat.you, assistant: model, system: strings.chat.system }[role];
}

/** Whether it is by a model, and by nobody who has a name of his own. */
export function saysItself(message: ShownMessage): message is ShownMessage & { readonly model: string } {
  return message.role === "assistant" && !message.author.name && message.model != null;
}

const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

/** The time of day, with its date where that is another one. */
export function momentOf(timestamp: string, isWhole = false): string {
  const moment = new Date(timestamp);
  if (Number.isNaN(moment.getTime())) return "";
  if (isWhole) return WHOLE.format(moment);
  return (moment.toDateString() === new Date().toDateString() ? TIME : DAY).format(moment);
}

export function secondsOf(ms: number): string {
  return ms < 10_000 ? (ms / 1_000).toFixed(1) : String(Math.round(ms / 1_000));
}

const UNITS = ["B", "kB", "MB", "GB"];

export function sizeOf(bytes: number): string {
  let [size, unit] = [bytes, 0];
  for (; size >= 1_000 && unit < UNITS.length - 1; unit++) size /= 1_000;
  return `${unit > 0 && size < 10 ? size.toFixed(1) : Math.round(size)} ${UNITS[unit]}`;
}

/** The words of a message, as they were written. */
export function textOf(content: readonly Block[]): string {
  return content.flatMap((block) => (block.type === "text" && block.text !== "" ? [block.text] : [])).join("\n\n");
}

/** A value as somebody reads it: text as it is, everything else as JSON. What is still arriving is text. */
export function prettyOf(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value, null, 2);
  return value;
}
