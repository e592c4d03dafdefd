// One conversation of the list.

import type { ListedThread } from "@threadline/client";
import { clsx } from "clsx";
import { Archive, MoreHorizontal, Pin } from "lucide-react";
import { memo } from "react";
import type { Deeds } from "../room/deeds.ts";
import { archiveEntry, deleteEntry, pinEntry, renameEntry } from "../room/entries.tsx";
import { RenameField } from "../room/rename-field.tsx";
import { follow, pathOf } from "../shell/address.ts";
import { strings } from "../strings.ts";
import { MenuButton } from "../ui/menu-button.tsx";

/** What a line can be asked for. */
export interface LineDeeds {
  readonly deeds: Deeds;
  readonly onRename: (id: string) => void;
  readonly onDelete: (thread: ListedThread) => void;
}

interface Props {
  readonly thread: ListedThread;
  readonly isCurrent: boolean;
  /** It is there because it was looked for, without a group that says what it is. */
  readonly isFound: boolean;
  /** The one that the Tab key comes to. */
  readonly isActive: boolean;
  readonly isRenaming: boolean;
  readonly can: LineDeeds;
  readonly onFocus: (id: string) => void;
  readonly onRenamed: (id: string, title: string | null) => void;
}

export const Line = memo(function Line({
  thread,
  isCurrent,
  isFound,
  isActive,
  isRenaming,
  can,
  onFocus,
  onRenamed,
}: Props) {
  const { id, title, unread_count } = thread;
  const shown = title || strings.sidebar.untitled;
  const unread = isCurrent ? 0 : (unread_count ?? 0);
  if (isRenaming) {
    return <RenameField title={title ?? ""} onDone={(chosen) => onRenamed(id, chosen)} className="my-px h-9 text-sm" />;
  }
  return (
    <div
      className={clsx(
        "group relative my-px flex items-center rounded-lg",
        isCurrent ? "bg-line/70" : "hover:bg-line/40 has-aria-expanded:bg-line/40",
      )}
    >
      <a
        href={pathOf(id)}
        data-thread={id}
        tabIndex={isActive ? 0 : -1}
        aria-current={isCurrent ? "page" : undefined}
        onFocus={() => onFocus(id)}
        onClick={follow}
        className="flex min-h-9 min-w-0 flex-1 items-center gap-2 rounded-lg ps-2.5 text-sm pointer-coarse:min-h-11"
      >
        <span dir="auto" className={clsx("min-w-0 flex-1 truncate", unread > 0 && "font-semibold")}>
          {shown}
        </span>
        <Marks thread={thread} isFound={isFound} unread={unread} />
      </a>
      <MenuButton
        label={strings.sidebar.more(shown)}
        icon={<MoreHorizontal aria-hidden className="size-4" />}
        groups={() => [{ key: "deeds", entries: entriesOf(thread, can) }]}
        tabIndex={isActive ? 0 : -1}
        className="opacity-0 group-focus-within:opacity-100 group-hover:opacity-100 aria-expanded:opacity-100 pointer-coarse:size-11 pointer-coarse:opacity-100"
      />
    </div>
  );
});

function entriesOf(thread: ListedThread, { deeds, onRename, onDelete }: LineDeeds) {
  return [
    pinEntry(thread, deeds),
    renameEntry(() => onRename(thread.id)),
    archiveEntry(thread, deeds),
    deleteEntry(() => onDelete(thread)),
  ];
}

interface MarksProps {
  readonly thread: ListedThread;
  readonly isFound: boolean;
  readonly unread: number;
}

function Marks({ thread, isFound, unread }: MarksProps) {
  return (
    <>
      {isFound && thread.pinned && (
        <Pin role="img" aria-label={strings.sidebar.pinned} className="size-3.5 shrink-0 text-soft" />
      )}
      {isFound && thread.archived && (
        <Archive role="img" aria-label={strings.sidebar.archived} className="size-3.5 shrink-0 text-soft" />
      )}
      {thread.active_run_id !== null && (
        <span
          role="img"
          aria-label={strings.sidebar.answering}
          title={strings.sidebar.answering}
          className="size-2 shrink-0 animate-pulse rounded-full bg-accent"
        />
      )}
      {unread > 0 && (
        <span className="shrink-0 rounded-full bg-accent px-1.5 text-xs leading-5 font-semibold text-ground tabular-nums">
          <span aria-hidden>{strings.sidebar.count(unread)}</span>
          <span className="sr-only">{strings.sidebar.unread(unread)}</span>
        </span>
      )}
    </>
  );
}
