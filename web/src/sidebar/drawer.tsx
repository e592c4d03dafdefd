// The list of conversations over the page: on a phone.

import { Dialog } from "@base-ui/react/dialog";
import { useEffect, useRef } from "react";
import { usePath } from "../shell/address.ts";
import { strings } from "../strings.ts";
import { useWatched } from "../ui/watch.ts";
import { isDrawerOpen } from "./drawer-state.ts";
import { Sidebar } from "./sidebar.tsx";

export default function Drawer({ current }: { readonly current: string | null }) {
  const isOpen = useWatched(isDrawerOpen);
  const path = usePath();
  const shown = useRef(path);
  useEffect(() => {
    if (shown.current !== path) isDrawerOpen.set(false);
    shown.current = path;
  }, [path]);
  return (
    <Dialog.Root open={isOpen} onOpenChange={(open) => isDrawerOpen.set(open)}>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-30 bg-black/40 transition-opacity data-ending-style:opacity-0 data-starting-style:opacity-0" />
        <Dialog.Popup
          aria-label={strings.sidebar.conversations}
          className="fixed inset-y-0 start-0 z-30 flex h-dvh w-[min(20rem,85vw)] border-e border-line bg-raised pt-[env(safe-area-inset-top)] pb-[env(safe-area-inset-bottom)] shadow-xl transition-transform outline-none data-ending-style:-translate-x-full data-starting-style:-translate-x-full rtl:data-ending-style:translate-x-full rtl:data-starting-style:translate-x-full"
        >
          <Sidebar current={current} />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
