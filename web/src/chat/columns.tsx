// Answers to one question, side by side; on a phone one goes from one to the next by a swipe.

import type { Message, Run } from "@threadline/client";
import { type ReactNode, useEffect } from "react";
import { tried } from "../room/deeds.ts";
import { strings } from "../strings.ts";
import { Button } from "../ui/button.tsx";
import { useModelName } from "../ui/models.ts";
import { type Asked, type Column, columnsOf, compare, forgetAsked, heardOf } from "./compared.ts";
import { useDeeds } from "./deeds.tsx";
import { authorOf } from "./words.ts";

interface Props {
  readonly parentId: string;
  readonly answers: readonly Message[];
  /** The runs that will answer as well. */
  readonly waiting: readonly Run[];
  readonly asked: Asked;
  readonly children: (answer: Message) => ReactNode;
}

export function Columns({ parentId, answers, waiting, asked, children }: Props) {
  const modelName = useModelName();
  useEffect(() => forgetAsked(parentId, heardOf(asked, answers, waiting)), [parentId, answers, waiting, asked]);
  return (
    <ul className="columns" aria-label={strings.chat.sideBySide}>
      {columnsOf(answers, waiting, asked).map((column) => (
        <li key={column.key} aria-busy={column.answer?.status === "streaming"}>
          <h4 dir="auto" title={column.model ?? undefined}>
            {nameOf(column, modelName)}
          </h4>
          <div className="column" dir="auto">
            {column.answer === null ? <p className="soft">{strings.chat.waitsForTurn}</p> : children(column.answer)}
          </div>
          <Deed column={column} parentId={parentId} waiting={waiting} />
        </li>
      ))}
    </ul>
  );
}

function nameOf({ model, answer }: Column, modelName: (id: string) => string): string {
  if (model !== null) return modelName(model);
  return answer === null ? strings.chat.assistant : authorOf(answer, modelName);
}

interface DeedProps extends Pick<Props, "parentId" | "waiting"> {
  readonly column: Column;
}

function Deed({ column, parentId, waiting }: DeedProps) {
  const { switchTo, cancelQueued, mayWrite } = useDeeds();
  const goOnWith = async (id: string) => {
    compare(parentId, false);
    // What still waits would answer in place of this one. What has begun by now goes on, beside it.
    await Promise.allSettled(waiting.map((run) => cancelQueued(run.id)));
    if (!(await tried(() => switchTo(id)))) compare(parentId, true);
  };
  if (column.answer !== null) {
    const { id } = column.answer;
    return <Button onClick={() => void goOnWith(id)}>{strings.chat.goOn}</Button>;
  }
  const { run } = column;
  if (run === null || !mayWrite) return null;
  return <Button onClick={() => void cancelQueued(run.id).catch(() => undefined)}>{strings.composer.withdraw}</Button>;
}
