// "There is a newer version": said once, out of the way, and loaded when somebody wants it.

import { RefreshCw } from "lucide-react";
import { useState } from "react";
import { strings } from "../strings.ts";
import { Button } from "../ui/button.tsx";
import { isNewerThere } from "../ui/newer.ts";
import { useWatched } from "../ui/watch.ts";

export function NewerNote() {
  const isThere = useWatched(isNewerThere);
  const [isPutOff, setPutOff] = useState(false);
  const isShown = isThere && !isPutOff;
  return (
    // It is there before it says anything: that is when a screen reader begins to listen.
    <div role="status" className={isShown ? "fixed inset-x-4 top-3 z-40 mx-auto w-fit max-w-md" : "sr-only"}>
      {isShown && (
        <div className="flex flex-wrap items-center justify-end gap-2 rounded-xl border border-line bg-ground p-3 text-sm shadow-xl">
          <RefreshCw aria-hidden className="size-4 shrink-0 text-accent" />
          <p className="min-w-48 flex-1">{strings.shell.newer}</p>
          <Button onClick={() => setPutOff(true)}>{strings.shell.notNow}</Button>
          <Button kind="primary" onClick={() => location.reload()}>
            {strings.ui.reload}
          </Button>
        </div>
      )}
    </div>
  );
}
