// Which questions have their answers side by side: until somebody goes on with one of them.
//
// Who asked several models, or chose here how to look at them, is remembered on this device. Everywhere else the log
// says it: answers of unlike models that were asked for together stand side by side while they are the end of it.

import { type Message, type Run, Signal } from "@threadline/client";
import { madeAt } from "./asked-at.ts";
import { keepChoice, keptChoices } from "./kept-choices.ts";

/** What was asked here and not heard of yet. */
export interface Asked {
  readonly models: readonly string[];
  /** The runs that were known before: none of them is what was asked. */
  readonly before: ReadonlySet<string>;
}

/** One column. Its key stays the same while its model waits and answers. */
export type Column =
  | { readonly key: string; readonly model: string | null; readonly answer: Message; readonly run: null }
  | { readonly key: string; readonly model: string; readonly answer: null; readonly run: Run | null };

const NOTHING: Asked = { models: [], before: new Set() };

/** What was chosen here, by question; null is not side by side. */
type Choices = ReadonlyMap<string, Asked | null>;

export const compared = new Signal<Choices>(
  new Map(keptChoices().map(([question, isSideBySide]) => [question, isSideBySide ? NOTHING : null])),
);

export function compare(parentId: string, isSideBySide: boolean, asked: Asked = NOTHING): void {
  compared.set(new Map(compared.get()).set(parentId, isSideBySide ? asked : null));
  keepChoice(parentId, isSideBySide);
}

/** Whether somebody has said here that these do not stand side by side any more. */
export function hasGoneOn(parentId: string): boolean {
  return compared.get().get(parentId) === null;
}

/** These were heard of, or will never be. */
export function forgetAsked(parentId: string, models: readonly string[]): void {
  const asked = compared.get().get(parentId);
  if (asked == null || models.length === 0) return;
  compare(parentId, true, { ...asked, models: asked.models.filter((model) => !models.includes(model)) });
}

/** An answer as the screen has it, with what is known of those beside it. */
export interface Standing {
  readonly message: Pick<Message, "id" | "role" | "parent_id"> & { readonly siblings?: Message["siblings"] };
  readonly siblings: readonly Message[];
  readonly waiting: readonly Run[];
  /** Nobody has written behind it. */
  readonly isLast: boolean;
}

/** What is to stand side by side in place of this message; null where it stands alone. */
export function askedOf(choices: Choices, { message, siblings, waiting, isLast }: Standing): Asked | null {
  const { role, parent_id } = message;
  if (role !== "assistant" || parent_id === null) return null;
  const chosen = choices.get(parent_id);
  if (chosen !== undefined) return chosen;
  // Who went to an earlier answer, or wrote behind one, has chosen among them.
  const isOpen = isLast && siblings.at(-1)?.id === message.id && !isMissing(message, siblings);
  return isOpen && wereAskedTogether(siblings, waiting) ? NOTHING : null;
}

/** Whether answers have to be read before they can stand side by side. */
export function areToBeRead(choices: Choices, { message, siblings, isLast }: Standing): boolean {
  const { role, parent_id } = message;
  if (role !== "assistant" || parent_id === null || !isMissing(message, siblings)) return false;
  const chosen = choices.get(parent_id);
  return chosen === undefined ? isLast : chosen !== null;
}

function isMissing({ siblings }: Standing["message"], known: readonly Message[]): boolean {
  return known.length < (siblings?.count ?? 1);
}

/** Answers again that were asked for within this time were asked for to be compared: nobody reads one meanwhile. */
export const TOGETHER_MS = 10_000;

/** Whether two models were asked to answer again at one time, in one voice: agents of a room answer each for himself. */
function wereAskedTogether(answers: readonly Message[], waiting: readonly Run[]): boolean {
  const again = [
    // The first one came with its question.
    ...answers.slice(1).map(({ run_id, model, author }) => ({ at: madeAt(run_id), model, voice: author.id })),
    ...waiting.map(({ id, model, agent_id }) => ({ at: madeAt(id), model, voice: agent_id })),
  ];
  return again.some((one, place) => {
    const before = again[place - 1];
    if (before === undefined || one.model === before.model || one.voice !== before.voice) return false;
    return Math.abs(one.at - before.at) <= TOGETHER_MS;
  });
}

/** The runs that will answer this question again, the next one first: those that have not begun to write. */
export function waitingBeside(parentId: string | null, answers: readonly Message[], runs: readonly Run[]): Run[] {
  const begun = runIdsOf(answers);
  return runs.filter((run) => run.input === null && run.input_message_id === parentId && !begun.has(run.id));
}

function runIdsOf(answers: readonly Message[]): Set<string> {
  return new Set(answers.flatMap(({ run_id }) => (run_id === null ? [] : [run_id])));
}

/** What is known now, for what is asked next. */
export function knownBefore(answers: readonly Message[], waiting: readonly Run[]): ReadonlySet<string> {
  return new Set([...runIdsOf(answers), ...waiting.map(({ id }) => id)]);
}

/** Which of the asked models have been heard of. */
export function heardOf({ models, before }: Asked, answers: readonly Message[], waiting: readonly Run[]): string[] {
  const answering = answers.filter(({ run_id }) => run_id !== null && !before.has(run_id));
  const coming = waiting.filter(({ id }) => !before.has(id));
  const heard = new Set([...answering, ...coming].map(({ model }) => model));
  return models.filter((model) => heard.has(model));
}

/** A column for each answer, then for each model that waits, and for each of which nothing was heard yet. */
export function columnsOf(answers: readonly Message[], waiting: readonly Run[], asked: Asked): readonly Column[] {
  const heard = heardOf(asked, answers, waiting);
  const silent = asked.models.filter((model) => !heard.includes(model));
  return [
    ...answers.map((answer) => ({ key: answer.run_id ?? answer.id, model: answer.model, answer, run: null })),
    ...waiting.map((run) => ({ key: run.id, model: run.model, answer: null, run })),
    ...silent.map((model) => ({ key: model, model, answer: null, run: null })),
  ];
}
