// Answers to one question, side by side; on a phone one goes from one to the next by a swipe.

import type { Message } from "@threadline/client";
import type { ReactNode } from "react";
import { strings } from "../strings.ts";
import { Button } from "../ui/button.tsx";
import { useModelName } from "../ui/models.ts";
import { compare } from "./compared.ts";
import { useDeeds } from "./deeds.tsx";
import { authorOf } from "./words.ts";

interface Props {
  readonly answers: readonly Message[];
  readonly children: (answer: Message) => ReactNode;
}

export function Columns({ answers, children }: Props) {
  const { switchTo } = useDeeds();
  const modelName = useModelName();
  const goOn = ({ id, parent_id }: Message) => {
    if (parent_id !== null) compare(parent_id, false);
    void switchTo(id);
  };
  return (
    <ul className="columns" aria-label={strings.chat.sideBySide}>
      {answers.map((answer) => (
        <li key={answer.id} aria-busy={answer.status === "streaming"}>
          <h4 dir="auto" title={answer.model ?? undefined}>
            {answer.model === null ? authorOf(answer, modelName) : modelName(answer.model)}
          </h4>
          <div className="column">{children(answer)}</div>
          <Button onClick={() => goOn(answer)}>{strings.chat.goOn}</Button>
        </li>
      ))}
    </ul>
  );
}
