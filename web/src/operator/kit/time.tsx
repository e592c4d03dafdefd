// A moment, in the reader's own time.

import { exactTimeOf, timeOf, utcOf } from "./format.ts";

export function Time({ at, isExact = false }: { readonly at: string; readonly isExact?: boolean }) {
  return (
    <time dateTime={at} title={utcOf(at)} className="whitespace-nowrap">
      {isExact ? exactTimeOf(at) : timeOf(at)}
    </time>
  );
}
