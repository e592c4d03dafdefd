// What cannot be taken back is asked for once more.

import { AlertDialog } from "@base-ui/react/alert-dialog";
import { type ReactNode, useState } from "react";
import { strings } from "../../strings.operator.ts";
import { Button } from "../../ui/button.tsx";
import { reasonOf } from "../api.ts";

interface Props {
  readonly title: string;
  readonly children: ReactNode;
  /** What is done, in a word or two. */
  readonly action: string;
  readonly onClose: () => void;
  /** Do it. The dialog closes when it is done, and says what went wrong where it is not. */
  readonly onConfirm: () => Promise<unknown>;
}

export function Confirm({ title, children, action, onClose, onConfirm }: Props) {
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const confirm = async () => {
    setBusy(true);
    try {
      await onConfirm();
      onClose();
    } catch (reason) {
      setError(reason);
      setBusy(false);
    }
  };
  return (
    <AlertDialog.Root open onOpenChange={(isOpen) => !isOpen && onClose()}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="fixed inset-0 z-40 bg-black/40" />
        <AlertDialog.Popup className="fixed inset-x-4 top-[20dvh] z-50 mx-auto grid max-w-md gap-4 rounded-2xl border border-line bg-ground p-6 shadow-xl">
          <AlertDialog.Title className="text-lg font-semibold">{title}</AlertDialog.Title>
          <AlertDialog.Description render={<div />} className="text-sm text-soft">
            {children}
          </AlertDialog.Description>
          {error !== null && (
            <p role="alert" className="text-sm text-bad">
              {reasonOf(error)}
            </p>
          )}
          <footer className="flex justify-end gap-2">
            <AlertDialog.Close render={<Button />}>{strings.cancel}</AlertDialog.Close>
            <Button kind="danger" disabled={isBusy} onClick={() => void confirm()}>
              {action}
            </Button>
          </footer>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
