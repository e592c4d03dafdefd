// One message: who, when, what, and what can be done with it.

import type { Message, Run, Shown, ShownMessage } from "@threadline/client";
import { useClient } from "@threadline/client/react";
import { clsx } from "clsx";
import { memo, useEffect, useState } from "react";
import { useSession } from "../shell/first-state.ts";
import { strings } from "../strings.ts";
import { useModelName } from "../ui/models.ts";
import { Actions } from "./actions.tsx";
import { BlockOf } from "./block.tsx";
import { Columns } from "./columns.tsx";
import type { Asked } from "./compared.ts";
import { useDeeds } from "./deeds.tsx";
import { Editor } from "./editor.tsx";
import { Ending } from "./ending.tsx";
import { authorOf, isOwn, momentOf, saysItself } from "./words.ts";

interface Props {
  readonly shown: Shown;
  /** All that stand behind the same parent, this one among them, as far as they are known. */
  readonly siblings: readonly Message[];
  /** The run that is writing it, or waits for somebody. */
  readonly run: Run | null;
  /** The runs that will answer the same question once more. */
  readonly waiting: readonly Run[];
  /** All of them stand side by side in its place; null where it stands alone. */
  readonly asked: Asked | null;
  /** Those beside it have to be read before it is known how they stand. */
  readonly isToBeRead: boolean;
}

export const MessageOf = memo(function MessageOf({ shown, siblings, run, waiting, asked, isToBeRead }: Props) {
  const [isEdited, setEdited] = useState(false);
  const { message } = shown;
  useSiblings(message.id, isToBeRead);
  const others = siblings.length - 1 + waiting.length + (asked?.models.length ?? 0);
  const isCompared = asked !== null && others > 0;
  const className = clsx("message", message.role, isCompared && "compared");
  return (
    <article
      aria-label={strings.chat.by(useAuthor(message))}
      aria-busy={message.status === "streaming"}
      data-message={message.id}
      className={className}
    >
      <Head shown={shown} isWriting={message.status === "streaming" && run?.status === "running"} />
      {/* Of answers side by side each is written in its own direction, and none says where the others stand. */}
      <div className="content" dir={isCompared ? undefined : "auto"}>
        {isEdited && <Editor message={message} onDone={() => setEdited(false)} />}
        {!isEdited && isCompared && (
          <Columns parentId={message.parent_id ?? ""} answers={siblings} waiting={waiting} asked={asked}>
            {(answer) => <Content message={answer} run={null} />}
          </Columns>
        )}
        {!isEdited && !isCompared && <Content message={message} run={run} />}
      </div>
      {shown.delivery === "stored" && !isEdited && (
        <Actions
          message={message as Message}
          siblings={siblings}
          waiting={waiting}
          isSideBySide={asked !== null}
          onEdit={() => setEdited(true)}
        />
      )}
    </article>
  );
}, isSame);

// Lists of siblings are made anew with every token; those in them are not, but for the one that is written.
function isSame(before: Props, after: Props): boolean {
  return (
    before.shown === after.shown &&
    before.run === after.run &&
    before.asked === after.asked &&
    before.isToBeRead === after.isToBeRead &&
    isSameList(before.siblings, after.siblings) &&
    isSameList(before.waiting, after.waiting)
  );
}

function isSameList<One>(before: readonly One[], after: readonly One[]): boolean {
  return before.length === after.length && before.every((one, place) => one === after[place]);
}

function useSiblings(messageId: string, areToBeRead: boolean): void {
  const client = useClient();
  const { threadId } = useDeeds();
  useEffect(() => {
    // Without a network it stands alone, and the switcher beside it asks again.
    if (areToBeRead)
      void client
        .thread(threadId)
        .loadSiblings(messageId)
        .catch(() => undefined);
  }, [client, threadId, messageId, areToBeRead]);
}

function useAuthor(message: ShownMessage): string {
  const { end_user_id } = useSession();
  const modelName = useModelName();
  return isOwn(message, end_user_id) ? strings.chat.you : authorOf(message, modelName);
}

interface HeadProps {
  readonly shown: Shown;
  readonly isWriting: boolean;
}

function Head({ shown: { message, delivery }, isWriting }: HeadProps) {
  const author = useAuthor(message);
  const note = delivery === "pending" ? strings.chat.sending : null;
  const modelName = useModelName();
  const model = message.role === "assistant" ? message.model : null;
  const isModel = saysItself(message);
  return (
    <header>
      <span dir="auto" title={isModel ? message.model : undefined}>
        {author}
      </span>
      {model != null && !isModel && (
        <span className="aside" title={model}>
          {" · "}
          {modelName(model)}
        </span>
      )}
      <time className="aside" dateTime={message.created_at} title={momentOf(message.created_at, true)}>
        {" · "}
        {momentOf(message.created_at)}
      </time>
      {note !== null && <span className="aside"> · {note}</span>}
      {isWriting && <span className="writes" aria-hidden />}
    </header>
  );
}

function Content({ message, run }: { readonly message: ShownMessage; readonly run: Run | null }) {
  const content = message.content ?? [];
  const isOpen = message.status === "streaming";
  return (
    <>
      {run !== null && run.attempt > 1 && run.waiting_for === null && isOpen && (
        <p className="soft">{strings.chat.again(run.attempt)}</p>
      )}
      {content.map((block, place) => (
        <BlockOf
          // biome-ignore lint/suspicious/noArrayIndexKey: a block is known by its place, as the log names it
          key={place}
          place={place}
          block={block}
          message={message}
          run={run}
          isOpen={isOpen && place === content.length - 1}
        />
      ))}
      <Ending message={message} />
    </>
  );
}
