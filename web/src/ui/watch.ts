// What the client knows beside its hooks, as React sees it.

import type { Readable } from "@threadline/client";
import { useSyncExternalStore } from "react";

export function useWatched<Value>(readable: Readable<Value>): Value {
  return useSyncExternalStore(readable.subscribe, readable.get);
}
