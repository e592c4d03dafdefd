// Copies a text, and says that it has.

import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { strings } from "../strings.ts";
import { IconButton } from "../ui/button.tsx";

const SAID_MS = 2_000;

interface Props {
  readonly text: string | (() => string);
  /** What is copied, in words. */
  readonly label: string;
  readonly className?: string;
}

export function CopyButton({ text, label, className }: Props) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), SAID_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = async () => {
    await navigator.clipboard.writeText(typeof text === "string" ? text : text());
    setCopied(true);
  };
  const Icon = isCopied ? Check : Copy;
  return (
    <IconButton label={isCopied ? strings.chat.copied : label} className={className} onClick={() => void copy()}>
      <Icon aria-hidden className="size-4" />
    </IconButton>
  );
}
