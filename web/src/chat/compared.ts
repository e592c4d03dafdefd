// Which questions have their answers side by side: until somebody goes on with one of them.

import { type Message, type Run, Signal } from "@threadline/client";

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

/** By question. */
export const compared = new Signal<ReadonlyMap<string, Asked>>(new Map());

export function compare(parentId: string, isSideBySide: boolean, asked: Asked = NOTHING): void {
  const next = new Map(compared.get());
  if (isSideBySide) next.set(parentId, asked);
  else next.delete(parentId);
  compared.set(next);
}

/** These were heard of, or will never be. */
export function forgetAsked(parentId: string, models: readonly string[]): void {
  const asked = compared.get().get(parentId);
  if (asked === undefined || models.length === 0) return;
  compare(parentId, true, { ...asked, models: asked.models.filter((model) => !models.includes(model)) });
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
