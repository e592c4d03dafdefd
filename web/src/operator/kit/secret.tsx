// A secret that is shown this once.

import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { strings } from "../../strings.operator.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";

interface Props {
  readonly title: string;
  readonly about: string;
  readonly secret: string;
  readonly onClose: () => void;
}

export function Secret({ title, about, secret, onClose }: Props) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(secret);
    setCopied(true);
  };
  return (
    <Dialog title={title} isOpen onClose={onClose}>
      <div className="grid gap-4">
        <p className="text-sm text-soft">{about}</p>
        <code className="select-all break-all rounded-lg border border-line bg-raised px-3 py-2 font-mono text-sm">
          {secret}
        </code>
        <footer className="flex justify-end gap-2">
          <Button onClick={() => void copy()}>
            {isCopied ? <Check aria-hidden className="size-4 text-good" /> : <Copy aria-hidden className="size-4" />}
            <span aria-live="polite">{isCopied ? strings.copied : strings.copy}</span>
          </Button>
          <Button kind="primary" onClick={onClose}>
            {strings.kept}
          </Button>
        </footer>
      </div>
    </Dialog>
  );
}
