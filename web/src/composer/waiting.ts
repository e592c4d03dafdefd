// What waits for its turn in a conversation: questions, and in a room answers to what stands there already. Pure.

import type { Member, Message, Run, Shown } from "@threadline/client";
import { nameOf } from "../room/role.ts";

export interface Waiting {
  readonly run: Run;
  readonly question: Pick<Message, "content" | "author">;
  /** Whose it is decides about it: where nobody else takes part, all is one's own. */
  readonly isOwn: boolean;
  /** Who will answer what stands in the conversation already; null where the question itself waits. */
  readonly answerer: string | null;
}

interface Room {
  readonly queue: readonly Run[];
  readonly messages: readonly Shown[];
  readonly members: readonly Member[];
}

type NameOfModel = (id: string) => string;

export function waitingOf(
  { queue, messages, members }: Room,
  me: string | null,
  nameOfModel: NameOfModel,
): readonly Waiting[] {
  const said = members.length === 0 ? [] : messages.filter(({ delivery }) => delivery === "stored");
  return queue.flatMap((run) => {
    const question = run.input ?? saidIn(said, run);
    if (question === null) return [];
    const isOwn = members.length === 0 || question.author.id === null || question.author.id === me;
    const agent = members.find(({ agent_id }) => agent_id !== null && agent_id === run.agent_id);
    const answerer = agent === undefined ? nameOfModel(run.model) : nameOf(agent);
    return [{ run, question, isOwn, answerer: run.input === null ? answerer : null }];
  });
}

// A question that the same one has answered already is being answered again: that stands beside the answer.
function saidIn(said: readonly Shown[], { input_message_id, agent_id }: Run): Waiting["question"] | null {
  const question = said.find(({ message }) => message.id === input_message_id)?.message;
  const isAnswered = said.some(
    ({ message }) =>
      message.role === "assistant" && message.parent_id === input_message_id && message.author.id === agent_id,
  );
  return question?.role === "user" && !isAnswered ? question : null;
}
