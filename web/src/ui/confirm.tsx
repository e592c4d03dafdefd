// A question that has to be answered before something is lost.

import { AlertDialog as Base } from "@base-ui/react/alert-dialog";
import { strings } from "../strings.ts";
import { Button } from "./button.tsx";

interface Props {
  readonly title: string;
  readonly text: string;
  /** What the button that does it says. */
  readonly deed: string;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
  /** Where the focus goes then, where what asked is gone; null is to what had it before. */
  readonly successor?: () => HTMLElement | null;
}

export default function Confirm({ title, text, deed, onConfirm, onClose, successor }: Props) {
  return (
    <Base.Root defaultOpen onOpenChangeComplete={(isOpen) => !isOpen && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 z-40 bg-black/40" />
        <Base.Popup
          finalFocus={() => successor?.() ?? true}
          className="fixed inset-x-4 top-[20dvh] z-40 mx-auto max-w-md rounded-2xl border border-line bg-ground p-6 shadow-xl"
        >
          <Base.Title className="text-lg font-semibold">{title}</Base.Title>
          <Base.Description dir="auto" className="mt-2 text-sm text-soft wrap-anywhere">
            {text}
          </Base.Description>
          <div className="mt-6 flex flex-wrap justify-end gap-2">
            <Base.Close render={<Button />}>{strings.ui.cancel}</Base.Close>
            <Base.Close render={<Button kind="danger" onClick={onConfirm} />}>{deed}</Base.Close>
          </div>
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
