// A conversation that is not there, or not any more: deleted, left, or somebody else's.

import { HOME, NOTHING } from "../composer/drafts.ts";
import { useDrafts } from "../composer/use-draft.ts";
import { follow, goTo } from "../shell/address.ts";
import { DrawerButton } from "../sidebar/drawer-button.tsx";
import { strings } from "../strings.ts";
import { Button } from "../ui/button.tsx";
import { useWatched } from "../ui/watch.ts";

export function Gone({ id }: { readonly id: string }) {
  return (
    <main className="m-0 flex h-dvh max-w-none min-w-0 flex-col p-0">
      <DrawerButton className="m-1" />
      <div className="m-auto max-w-sm p-8 text-center">
        <p role="alert" className="text-lg font-semibold text-balance">
          {strings.chat.gone}
        </p>
        <p className="mt-2 text-sm text-soft">{strings.room.goneWhy}</p>
        <Begun id={id} />
        <a href="/" onClick={follow} className="mt-6 inline-block text-sm text-accent underline underline-offset-2">
          {strings.sidebar.newThread}
        </a>
      </div>
    </main>
  );
}

/** What was being written there is nobody's but the writer's. */
function Begun({ id }: { readonly id: string }) {
  const drafts = useDrafts();
  const draft = useWatched(drafts.of(id));
  if (draft.text.trim() === "") return null;
  const take = () => {
    drafts.giveBack(HOME, draft);
    drafts.set(id, NOTHING);
    goTo("/");
  };
  return (
    <div className="mt-6 rounded-xl border border-line p-4 text-sm">
      <p className="text-soft">{strings.room.goneDraft}</p>
      <p dir="auto" className="my-2 line-clamp-6 whitespace-pre-wrap wrap-anywhere">
        {draft.text}
      </p>
      <Button onClick={take}>{strings.room.goneTake}</Button>
    </div>
  );
}
