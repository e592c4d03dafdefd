// The list of conversations, as it changes.

import type { ListedThread } from "@threadline/client";
import { Archive, ArrowLeft, SquarePen } from "lucide-react";
import { Suspense, useCallback, useMemo, useRef, useState } from "react";
import { useDeeds } from "../room/deeds.ts";
import { goTo } from "../shell/address.ts";
import { strings } from "../strings.ts";
import { Button, IconButton } from "../ui/button.tsx";
import { later } from "../ui/later.tsx";
import { Footer } from "./footer.tsx";
import { List } from "./list.tsx";
import { SearchField, useSearchKey } from "./search.tsx";
import { useShownList } from "./shown.ts";
import { Skeleton } from "./skeleton.tsx";

const Confirm = later(() => import("../ui/confirm.tsx"));

interface Props {
  readonly current: string | null;
}

export function Sidebar({ current }: Props) {
  const deeds = useDeeds();
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  const [isArchived, setIsArchived] = useState(false);
  const [isPointing, setIsPointing] = useState(false);
  const [renaming, setRenaming] = useState<string | null>(null);
  const [doomed, setDoomed] = useState<ListedThread | null>(null);
  const can = useMemo(() => ({ deeds, onRename: setRenaming, onDelete: setDoomed }), [deeds]);
  const sought = { text: text.trim(), isArchived };
  const { rows, isLoading, hasMore, loadMore } = useShownList(sought, isPointing || renaming !== null);
  useSearchKey(useCallback(() => field.current?.select(), []));
  const onRenamed = useCallback(
    (id: string, title: string | null) => {
      setRenaming(null);
      requestAnimationFrame(() => lineOf(id)?.focus());
      if (title !== null) void deeds.rename(id, title);
    },
    [deeds],
  );
  return (
    <nav
      aria-label={strings.sidebar.conversations}
      className="flex min-h-0 flex-1 flex-col bg-raised ps-[env(safe-area-inset-left)]"
    >
      <div className="grid gap-2 p-3 pb-2">
        <Button onClick={() => goTo("/")} className="justify-start bg-ground font-medium pointer-coarse:min-h-11">
          <SquarePen aria-hidden className="size-4" />
          {strings.sidebar.newThread}
        </Button>
        <div className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-1">
          <SearchField field={field} text={text} onText={setText} />
          <IconButton
            label={isArchived ? strings.sidebar.backToAll : strings.sidebar.showArchived}
            onClick={() => setIsArchived(!isArchived)}
            className="pointer-coarse:size-11"
          >
            {isArchived ? (
              <ArrowLeft aria-hidden className="size-4 rtl:-scale-x-100" />
            ) : (
              <Archive aria-hidden className="size-4" />
            )}
          </IconButton>
        </div>
        {isArchived && <h2 className="px-1 text-sm font-semibold">{strings.sidebar.archivedThreads}</h2>}
      </div>
      {rows.length > 0 || (hasMore && !isLoading) ? (
        <List
          key={`${isArchived}`}
          rows={rows}
          current={current}
          renaming={renaming}
          can={can}
          hasMore={hasMore}
          loadMore={loadMore}
          onRenamed={onRenamed}
          onPointing={setIsPointing}
        />
      ) : (
        <div className="min-h-0 flex-1 px-4 py-2">
          {isLoading ? <Skeleton /> : <Nothing text={sought.text} isArchived={isArchived} />}
        </div>
      )}
      <p role="status" className="sr-only">
        {sought.text !== "" && !isLoading && strings.sidebar.found(rows.length)}
      </p>
      <Footer />
      {doomed !== null && (
        <Suspense>
          <Confirm
            title={strings.room.deleteTitle}
            text={strings.room.deleteText(doomed.title || strings.sidebar.untitled)}
            deed={strings.room.delete}
            onConfirm={() => void deeds.remove(doomed.id)}
            onClose={() => setDoomed(null)}
            successor={() =>
              lineOf(doomed.id) === null ? document.querySelector("[data-thread][tabindex='0']") : null
            }
          />
        </Suspense>
      )}
    </nav>
  );
}

function lineOf(id: string): HTMLElement | null {
  return document.querySelector(`[data-thread="${CSS.escape(id)}"]`);
}

function Nothing({ text, isArchived }: { readonly text: string; readonly isArchived: boolean }) {
  const words = isArchived ? strings.sidebar.nothingArchived : strings.sidebar.nothingYet;
  return (
    <p className="text-sm text-soft" dir="auto">
      {text === "" ? words : strings.sidebar.nothingFound(text)}
    </p>
  );
}
