// The head of a conversation: its title, who takes part, and what can be done with it.

import { type StreamingChat, useClient, usePresence } from "@threadline/client/react";
import { Braces, FileText, MoreHorizontal, Share2, Users } from "lucide-react";
import { type ReactNode, Suspense, useState } from "react";
import { useSession } from "../shell/first-state.ts";
import { DrawerButton } from "../sidebar/drawer-button.tsx";
import { strings } from "../strings.ts";
import { later } from "../ui/later.tsx";
import { MenuButton, type MenuGroup } from "../ui/menu-button.tsx";
import { tried, useDeeds } from "./deeds.ts";
import { download } from "./download.ts";
import { archiveEntry, deleteEntry, pinEntry, renameEntry } from "./entries.tsx";
import { Face } from "./face.tsx";
import { useReadMark } from "./read.ts";
import { RenameField } from "./rename-field.tsx";
import { nameOf, rightsOf } from "./role.ts";

const Confirm = later(() => import("../ui/confirm.tsx"));
const ShareDialog = later(() => import("./share.tsx"));
const MembersDialog = later(() => import("./members.tsx"));

const FACES_MAX = 4;

interface Props {
  readonly id: string;
  readonly chat: StreamingChat;
}

type Open = "share" | "members" | "delete" | "rename" | null;

export function ThreadHeader({ id, chat }: Props) {
  useReadMark(id, chat.status === "ready");
  const client = useClient();
  const deeds = useDeeds();
  const session = useSession();
  const [open, setOpen] = useState<Open>(null);
  const { thread, members } = chat;
  const title = thread?.title || strings.sidebar.untitled;
  const { mayChange, isOwner } = rightsOf(members, session.end_user_id);
  const close = () => setOpen(null);
  const groups = (): readonly MenuGroup[] => {
    if (thread === null) return [];
    const take = (kind: "md" | "json") => () => void tried(() => download(client, thread, kind));
    const opening = (what: Open) => ({ takesFocus: true, onSelect: () => setOpen(what) });
    return [
      {
        key: "change",
        entries: mayChange
          ? [renameEntry(() => setOpen("rename")), pinEntry(thread, deeds), archiveEntry(thread, deeds)]
          : [],
      },
      {
        key: "out",
        entries: [
          { label: strings.room.members, icon: <Users aria-hidden />, ...opening("members") },
          { label: strings.room.share, icon: <Share2 aria-hidden />, ...opening("share") },
          { label: strings.room.exportMarkdown, icon: <FileText aria-hidden />, onSelect: take("md") },
          { label: strings.room.exportJson, icon: <Braces aria-hidden />, onSelect: take("json") },
        ],
      },
      { key: "end", entries: isOwner ? [deleteEntry(() => setOpen("delete"))] : [] },
    ];
  };
  const onRenamed = (chosen: string | null) => {
    close();
    if (chosen !== null) void deeds.rename(id, chosen);
  };
  return (
    <header className="flex h-13 shrink-0 items-center gap-2 border-b border-line ps-4 pe-2 max-md:ps-1">
      <DrawerButton />
      {open === "rename" ? (
        <RenameField title={thread?.title ?? ""} onDone={onRenamed} className="h-9 flex-1 font-semibold" />
      ) : (
        <Title title={title} onRename={mayChange ? () => setOpen("rename") : null} />
      )}
      <Faces id={id} chat={chat} onOpen={() => setOpen("members")} />
      <MenuButton
        label={strings.room.more}
        icon={<MoreHorizontal aria-hidden className="size-5" />}
        groups={groups}
        className="pointer-coarse:size-11"
      />
      <Suspense>
        {open === "members" && <MembersDialog threadId={id} members={members} onClose={close} />}
        {open === "share" && <ShareDialog threadId={id} mayChange={mayChange} onClose={close} />}
        {open === "delete" && (
          <Confirm
            title={strings.room.deleteTitle}
            text={strings.room.deleteText(title)}
            deed={strings.room.delete}
            onConfirm={() => void deeds.remove(id)}
            onClose={close}
          />
        )}
      </Suspense>
    </header>
  );
}

function Title({ title, onRename }: { readonly title: string; readonly onRename: (() => void) | null }): ReactNode {
  return (
    <h1
      dir="auto"
      onDoubleClick={onRename ?? undefined}
      title={title}
      className="m-0 min-w-0 flex-1 truncate text-base font-semibold"
    >
      {title}
    </h1>
  );
}

interface FacesProps {
  readonly id: string;
  readonly chat: StreamingChat;
  readonly onOpen: () => void;
}

function Faces({ id, chat: { members }, onOpen }: FacesProps) {
  const { people } = usePresence(id);
  if (members.length === 0) return null;
  const shown = members.slice(0, FACES_MAX);
  return (
    <button
      type="button"
      aria-label={strings.room.members}
      onClick={onOpen}
      className="flex shrink-0 items-center rounded-full p-1 hover:bg-line/60"
    >
      <span className="sr-only">{strings.room.members}</span>
      {shown.map((member) => (
        <span key={member.id} className="me-1 last:me-0 max-sm:nth-[n+4]:hidden">
          <Face name={nameOf(member)} status={people.get(member.end_user_id ?? "")?.status ?? null} />
        </span>
      ))}
      {members.length > FACES_MAX && <span className="ps-3 text-xs text-soft">{`+${members.length - FACES_MAX}`}</span>}
    </button>
  );
}
