// All keys of the app, by what they do.

import { strings } from "../strings.ts";
import { Dialog } from "./dialog.tsx";

const isApple = /Mac|iPhone|iPad/.test(navigator.userAgent);

export default function ListOfShortcuts({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog title={strings.ui.shortcuts} isOpen onClose={onClose}>
      <dl className="grid grid-cols-[auto_1fr] items-baseline gap-x-5 gap-y-2.5 text-sm">
        {strings.ui.keys.map(([keys, deed]) => (
          <div key={deed} className="contents">
            <dt className="flex gap-1">
              {keys.split(" ").map((key) => (
                <kbd
                  key={key}
                  className="rounded-md border border-line border-b-2 bg-raised px-1.5 py-0.5 font-sans text-xs whitespace-nowrap"
                >
                  {key === "Ctrl" && isApple ? "⌘" : key}
                </kbd>
              ))}
            </dt>
            <dd>{deed}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
