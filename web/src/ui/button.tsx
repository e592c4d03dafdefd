// The buttons of the app.

import { clsx } from "clsx";
import type { ComponentProps } from "react";

const KINDS = {
  primary: "bg-accent text-ground font-semibold hover:opacity-90",
  quiet: "border border-line hover:bg-raised",
  plain: "hover:bg-line/60",
  danger: "text-bad border border-line hover:bg-raised",
} as const;

interface Props extends ComponentProps<"button"> {
  readonly kind?: keyof typeof KINDS;
}

export function Button({ kind = "quiet", className, ...props }: Props) {
  return (
    <button
      type="button"
      className={clsx(
        "inline-flex min-h-9 items-center justify-center gap-2 rounded-lg px-3 text-sm disabled:opacity-50",
        KINDS[kind],
        className,
      )}
      {...props}
    />
  );
}

interface IconProps extends ComponentProps<"button"> {
  /** What it does, in words: its only name. */
  readonly label: string;
}

export function IconButton({ label, className, ...props }: IconProps) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      className={clsx(
        "inline-flex size-9 shrink-0 items-center justify-center rounded-lg text-soft hover:bg-line/60 hover:text-text disabled:opacity-50",
        className,
      )}
      {...props}
    />
  );
}
