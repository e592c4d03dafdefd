// What waits for its turn: to be rewritten, moved or withdrawn until then.

import { type Message, Refusal } from "@threadline/client";
import { type StreamingChat, useClient, useConnection } from "@threadline/client/react";
import { ArrowDown, ArrowUp, Pencil, X } from "lucide-react";
import { useState } from "react";
import { waitsForTurn } from "../chat/words.ts";
import { useSession } from "../shell/first-state.ts";
import { strings } from "../strings.ts";
import { IconButton } from "../ui/button.tsx";
import { useModelName } from "../ui/models.ts";
import { useWatched } from "../ui/watch.ts";
import { draftOf } from "./content.ts";
import { type Outcome, QueueEditor } from "./queue-editor.tsx";
import { Refused, WaitingHere } from "./unsent.tsx";
import { useDrafts } from "./use-draft.ts";
import { type Waiting, waitingOf } from "./waiting.ts";

interface Props {
  readonly threadId: string;
  readonly chat: StreamingChat;
}

export function Queue({ threadId, chat }: Props) {
  const { failed, retry, withdraw, changeQueued, cancelQueued } = chat;
  const { phase } = useConnection();
  const pending = useWatched(useClient().outbox.pending).filter(({ thread_id }) => thread_id === threadId);
  const [problem, setProblem] = useState<string | null>(null);
  const attempt = async (deed: Promise<unknown>): Promise<Outcome> => {
    setProblem(null);
    try {
      await deed;
      return "done";
    } catch (error) {
      setProblem(wordsFor(error));
      return hasStarted(error) ? "started" : "failed";
    }
  };
  const drafts = useDrafts();
  const giveBack = (words: string) => {
    drafts.giveBack(threadId, { text: words, files: [] });
    setProblem(strings.composer.startedMeanwhile);
  };
  const { end_user_id } = useSession();
  const waiting = waitingOf(chat, end_user_id, useModelName());
  // On their way: they come here, and not into the conversation first.
  const going = chat.messages.filter((shown) => shown.delivery === "pending" && waitsForTurn(shown, chat.run));
  const count = waiting.length + (phase === "live" ? going.length : 0);
  const own = { place: threadId, withdraw };
  return (
    <>
      <Refused {...own} pending={failed} retry={retry} />
      {phase !== "live" && <WaitingHere {...own} pending={pending} />}
      {problem !== null && (
        <p role="alert" className="mb-2 px-2 text-sm text-bad">
          {problem}
        </p>
      )}
      {count > 0 && (
        <section aria-label={strings.composer.waiting} className="mb-2 rounded-2xl border border-line bg-raised p-1">
          <h2 className="px-3 pt-1.5 text-xs font-semibold text-soft">{strings.composer.waitingCount(count)}</h2>
          <ol className="max-h-[30dvh] overflow-y-auto">
            {waiting.map(({ run, ...one }, place) => (
              <Line
                key={run.id}
                {...one}
                isFirst={place === 0}
                isLast={place === waiting.length - 1}
                onRewrite={(content) => attempt(changeQueued(run.id, { content }))}
                onLeft={giveBack}
                onMove={(by) => void attempt(changeQueued(run.id, { position: (run.position ?? 1) + by }))}
                onWithdraw={() => void attempt(cancelQueued(run.id))}
              />
            ))}
            {phase === "live" &&
              going.map(({ key, message }) => (
                <li key={key} className="flex min-h-11 items-center px-3 text-sm text-soft">
                  <span dir="auto" className="line-clamp-1">
                    {draftOf(message.content).text || strings.composer.filesOnly(draftOf(message.content).files.length)}
                  </span>
                </li>
              ))}
          </ol>
        </section>
      )}
    </>
  );
}

function wordsFor(error: unknown): string {
  if (!(error instanceof Refusal)) return strings.composer.noAnswer;
  return hasStarted(error) ? strings.composer.startedAlready : error.message;
}

function hasStarted(error: unknown): boolean {
  return error instanceof Refusal && error.problem.code === "run_started";
}

interface LineProps extends Omit<Waiting, "run"> {
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly onRewrite: (content: Message["content"]) => Promise<Outcome>;
  /** It does not wait any more, and these words were not saved. */
  readonly onLeft: (words: string) => void;
  readonly onMove: (by: 1 | -1) => void;
  readonly onWithdraw: () => void;
}

function Line({ question, isOwn, answerer, isFirst, isLast, onRewrite, onLeft, onMove, onWithdraw }: LineProps) {
  const [isOpen, setIsOpen] = useState(false);
  const { content, author } = question;
  const { text, files } = draftOf(content);
  if (isOpen) {
    const rewrite = (words: string) =>
      onRewrite([...content.filter((block) => block.type !== "text"), { type: "text", text: words }]);
    return <QueueEditor text={text} onSave={rewrite} onLeft={onLeft} onClose={() => setIsOpen(false)} />;
  }
  return (
    <li className="flex min-h-11 items-center gap-2 rounded-xl px-3 py-1 text-sm">
      <span className="flex min-w-0 flex-1 gap-1.5">
        {!isOwn && <bdi className="max-w-1/3 shrink-0 truncate font-semibold">{author.name ?? author.id}</bdi>}
        <span dir="auto" className="line-clamp-1 min-w-0">
          {text || strings.composer.filesOnly(files.length)}
        </span>
        {answerer !== null && (
          <span className="max-w-1/3 shrink-0 truncate text-soft">{strings.composer.answeredBy(answerer)}</span>
        )}
      </span>
      {isOwn && (
        <span className="flex">
          <IconButton label={strings.composer.moveUp} disabled={isFirst} onClick={() => onMove(-1)}>
            <ArrowUp aria-hidden className="size-4" />
          </IconButton>
          <IconButton label={strings.composer.moveDown} disabled={isLast} onClick={() => onMove(1)}>
            <ArrowDown aria-hidden className="size-4" />
          </IconButton>
          {answerer === null && (
            <IconButton label={strings.composer.rewrite} onClick={() => setIsOpen(true)}>
              <Pencil aria-hidden className="size-4" />
            </IconButton>
          )}
          <IconButton label={strings.composer.withdraw} onClick={onWithdraw}>
            <X aria-hidden className="size-4" />
          </IconButton>
        </span>
      )}
    </li>
  );
}
