// A dialog: the page behind it waits.

import { Dialog as Base } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { strings } from "../strings.ts";
import { IconButton } from "./button.tsx";

interface Props {
  readonly title: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

export function Dialog({ title, isOpen, onClose, children }: Props) {
  return (
    <Base.Root open={isOpen} onOpenChange={(open) => !open && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 bg-black/40" />
        <Base.Popup className="fixed inset-x-4 top-[10dvh] mx-auto max-h-[80dvh] max-w-lg overflow-y-auto rounded-xl border border-line bg-ground p-5 shadow-xl">
          <header className="mb-3 flex items-center justify-between gap-2">
            <Base.Title className="text-lg font-semibold">{title}</Base.Title>
            <Base.Close render={<IconButton label={strings.ui.close} />}>
              <X aria-hidden className="size-4" />
            </Base.Close>
          </header>
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
