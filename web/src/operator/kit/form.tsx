// A form in a dialog: it closes when what it was for is done, and says what is wrong where it is not.

import { type FormEvent, type ReactNode, useState } from "react";
import { strings } from "../../strings.operator.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { reasonOf } from "../api.ts";

interface Props {
  readonly title: string;
  readonly action: string;
  readonly onClose: () => void;
  readonly onSubmit: () => Promise<unknown>;
  readonly children: ReactNode;
}

/** Something in a form is not what it has to be; its words are for whoever has written it. */
export class Unfit extends Error {}

export function FormDialog({ title, action, onClose, onSubmit, children }: Props) {
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      await onSubmit();
    } catch (reason) {
      setError(reason instanceof Unfit ? reason.message : reasonOf(reason));
    }
    setBusy(false);
  };
  return (
    <Dialog title={title} isOpen onClose={onClose}>
      <form onSubmit={(event) => void submit(event)} className="grid gap-4">
        {children}
        {error !== null && (
          <p role="alert" className="text-sm text-bad">
            {error}
          </p>
        )}
        <footer className="flex justify-end gap-2">
          <Button onClick={onClose}>{strings.cancel}</Button>
          <Button kind="primary" type="submit" disabled={isBusy}>
            {action}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
