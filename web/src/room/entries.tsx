// What the menus of a conversation offer, in the list and at its head.

import type { ListedThread } from "@threadline/client";
import { Archive, ArchiveRestore, Pencil, Pin, PinOff, Trash2 } from "lucide-react";
import { strings } from "../strings.ts";
import type { MenuEntry } from "../ui/menu-button.tsx";
import type { Deeds } from "./deeds.ts";

type Named = Pick<ListedThread, "id" | "pinned" | "archived">;

export function pinEntry({ id, pinned }: Named, deeds: Deeds): MenuEntry {
  return {
    label: pinned ? strings.room.unpin : strings.room.pin,
    icon: pinned ? <PinOff aria-hidden /> : <Pin aria-hidden />,
    onSelect: () => void deeds.pin(id, !pinned),
  };
}

export function archiveEntry({ id, archived }: Named, deeds: Deeds): MenuEntry {
  return {
    label: archived ? strings.room.unarchive : strings.room.archive,
    icon: archived ? <ArchiveRestore aria-hidden /> : <Archive aria-hidden />,
    onSelect: () => void deeds.archive(id, !archived),
  };
}

export function renameEntry(onRename: () => void): MenuEntry {
  return { label: strings.room.rename, icon: <Pencil aria-hidden />, takesFocus: true, onSelect: onRename };
}

export function deleteEntry(onDelete: () => void): MenuEntry {
  return {
    label: strings.room.delete,
    icon: <Trash2 aria-hidden />,
    kind: "danger",
    takesFocus: true,
    onSelect: onDelete,
  };
}
