// What can be done with a message: there when one points at it, or comes by with the keyboard.

import type { Message, Run } from "@threadline/client";
import { useClient } from "@threadline/client/react";
import { Columns2, GitFork, Pencil } from "lucide-react";
import { goTo, pathOf } from "../shell/address.ts";
import { useSession } from "../shell/first-state.ts";
import { strings } from "../strings.ts";
import { IconButton } from "../ui/button.tsx";
import { BranchSwitcher } from "./branches.tsx";
import { compare } from "./compared.ts";
import { CopyButton } from "./copy.tsx";
import { useDeeds } from "./deeds.tsx";
import { RegenerateMenu } from "./regenerate.tsx";
import { isOwn, textOf } from "./words.ts";

interface Props {
  readonly message: Message;
  readonly siblings: readonly Message[];
  readonly waiting: readonly Run[];
  readonly isSideBySide: boolean;
  readonly onEdit: () => void;
}

const ICON = "size-4";

export function Actions({ message, siblings, waiting, isSideBySide, onEdit }: Props) {
  const client = useClient();
  const { end_user_id } = useSession();
  const { threadId, mayWrite } = useDeeds();
  const isWritten = message.status !== "streaming";
  const fork = async () => {
    const body = { message_id: message.id };
    goTo(pathOf((await client.call("POST /v1/threads/{thread_id}/fork", { path: { thread_id: threadId }, body })).id));
  };
  return (
    <footer className="actions">
      <BranchSwitcher message={message} siblings={siblings} />
      {isWritten && (
        <div className="deeds">
          <CopyButton text={() => textOf(message.content)} label={strings.chat.copy} />
          {mayWrite && message.role === "user" && isOwn(message, end_user_id) && (
            <IconButton label={strings.chat.edit} onClick={onEdit}>
              <Pencil aria-hidden className={ICON} />
            </IconButton>
          )}
          {mayWrite && message.role === "assistant" && (
            <RegenerateMenu message={message} siblings={siblings} waiting={waiting} />
          )}
          {message.role === "assistant" && siblings.length > 1 && (
            <SideBySide parentId={message.parent_id} isSideBySide={isSideBySide} />
          )}
          <IconButton label={strings.chat.fork} onClick={() => void fork()}>
            <GitFork aria-hidden className={ICON} />
          </IconButton>
        </div>
      )}
    </footer>
  );
}

interface SideBySideProps {
  readonly parentId: string | null;
  readonly isSideBySide: boolean;
}

function SideBySide({ parentId, isSideBySide }: SideBySideProps) {
  if (parentId === null) return null;
  return (
    <IconButton
      label={strings.chat.sideBySide}
      aria-pressed={isSideBySide}
      onClick={() => compare(parentId, !isSideBySide)}
    >
      <Columns2 aria-hidden className={ICON} />
    </IconButton>
  );
}
