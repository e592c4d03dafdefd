// Which questions have their answers side by side: until somebody goes on with one of them.

import { Signal } from "@threadline/client";

export const compared = new Signal<ReadonlySet<string>>(new Set());

export function compare(parentId: string, isSideBySide: boolean): void {
  const next = new Set(compared.get());
  if (isSideBySide) next.add(parentId);
  else next.delete(parentId);
  compared.set(next);
}
