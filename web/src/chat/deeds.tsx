// What can be done with messages, for the components deep in the list. Its value never changes with what is said.

import type { StreamingChat } from "@threadline/client/react";
import { createContext, type ReactNode, useContext, useMemo } from "react";

export type Deeds = Pick<StreamingChat, "regenerate" | "edit" | "decide" | "switchTo" | "cancelQueued"> & {
  readonly threadId: string;
  /** Viewers only look. */
  readonly mayWrite: boolean;
};

const Context = createContext<Deeds | null>(null);

interface Props {
  readonly threadId: string;
  readonly mayWrite: boolean;
  readonly chat: StreamingChat;
  readonly children: ReactNode;
}

export function DeedsProvider({ threadId, mayWrite, chat, children }: Props) {
  const { regenerate, edit, decide, switchTo, cancelQueued } = chat;
  const deeds = useMemo(
    () => ({ threadId, mayWrite, regenerate, edit, decide, switchTo, cancelQueued }),
    [threadId, mayWrite, regenerate, edit, decide, switchTo, cancelQueued],
  );
  return <Context.Provider value={deeds}>{children}</Context.Provider>;
}

export function useDeeds(): Deeds {
  const deeds = useContext(Context);
  if (deeds === null) throw new Error("There is no <DeedsProvider> around this component.");
  return deeds;
}
