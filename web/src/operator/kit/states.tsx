// What stands where something is not: not yet, not at all, or not because it went wrong.

import type { LucideIcon } from "lucide-react";
import { CircleAlert, RotateCw } from "lucide-react";
import type { ReactNode } from "react";
import { strings } from "../../strings.operator.ts";
import { Button } from "../../ui/button.tsx";
import { reasonOf } from "../api.ts";

export function Empty({
  icon: Icon,
  title,
  children,
}: {
  readonly icon: LucideIcon;
  readonly title: string;
  readonly children?: ReactNode;
}) {
  return (
    <div className="grid justify-items-center gap-2 rounded-xl border border-dashed border-line px-6 py-14 text-center">
      <Icon aria-hidden className="size-7 text-soft" strokeWidth={1.5} />
      <p className="font-semibold">{title}</p>
      <div className="max-w-[52ch] text-sm text-soft">{children}</div>
    </div>
  );
}

export function Failed({ error, onRetry }: { readonly error: unknown; readonly onRetry: () => void }) {
  return (
    <div
      role="alert"
      className="flex flex-wrap items-center gap-3 rounded-xl border border-bad/40 bg-bad/5 px-4 py-3 text-sm"
    >
      <CircleAlert aria-hidden className="size-5 shrink-0 text-bad" />
      <p className="min-w-0 flex-1">{reasonOf(error)}</p>
      <Button onClick={onRetry}>
        <RotateCw aria-hidden className="size-4" />
        {strings.retry}
      </Button>
    </div>
  );
}

/** Lines where lines will be. */
export function Skeleton({ lines = 5 }: { readonly lines?: number }) {
  return (
    <div role="status" className="grid gap-2">
      <span className="sr-only">{strings.loading}</span>
      {Array.from({ length: lines }, (_, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
        <div key={place} aria-hidden className="h-11 animate-pulse rounded-lg bg-raised" />
      ))}
    </div>
  );
}

interface WithAnswer<Value> {
  readonly answer: {
    readonly value: Value | null;
    readonly error: unknown;
    readonly reload: () => void;
  };
  readonly lines?: number;
  readonly children: (value: Value) => ReactNode;
}

/** An answer once it is there; until then lines, and above an old one why there is no newer. */
export function Answered<Value>({ answer, lines, children }: WithAnswer<Value>) {
  const { value, error, reload } = answer;
  return (
    <>
      {error !== null && <Failed error={error} onRetry={reload} />}
      {value !== null && children(value)}
      {value === null && error === null && <Skeleton {...(lines === undefined ? {} : { lines })} />}
    </>
  );
}
