// Parts that are loaded when somebody asks for them. What cannot be loaded says so, and can be tried again.

import { type ComponentType, createContext, lazy, useContext, useEffect, useState } from "react";
import { strings } from "../strings.ts";
import { Button } from "./button.tsx";
import { isNewerThere, lookForNewer } from "./newer.ts";
import { useWatched } from "./watch.ts";

type Loaded<P> = () => Promise<{ readonly default: ComponentType<P> }>;

interface Attempts {
  readonly again: () => Promise<void>;
  readonly forget: () => void;
}

const Attempts = createContext<Attempts>({ again: async () => undefined, forget: () => undefined });

interface Options {
  /** Nobody has asked for it: where it cannot be loaded, it is not there, and nothing is said. */
  readonly isQuiet?: boolean;
}

/** As `lazy`, for a network that may be away and a server that may have a newer build. */
export function later<P extends object>(load: Loaded<P>, { isQuiet = false }: Options = {}): ComponentType<P> {
  const begin = () =>
    lazy(() =>
      load().catch((): { default: ComponentType<P> } => ({
        default: isQuiet ? Nothing : (NotLoaded as ComponentType<P>),
      })),
    );
  let part = begin();
  const forget = () => {
    part = begin();
  };
  const anew = () => part;
  return function Later(props: P) {
    // React begins this anew each time that the part is waited for: it has to be the same part then.
    const [Part, setPart] = useState(anew);
    const again = async () => {
      try {
        await load();
        forget();
        setPart(anew);
      } catch {
        // The server is there, and does not have it any more: a newer page has what belongs to it.
        if (await isThere()) location.reload();
      }
    };
    return (
      <Attempts value={{ again, forget }}>
        <Part {...props} />
      </Attempts>
    );
  };
}

async function isThere(): Promise<boolean> {
  try {
    return (await fetch("/shell", { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

/** What was not loaded is tried again when it is asked for the next time. */
function useAttempts(): Attempts {
  const attempts = useContext(Attempts);
  const { forget } = attempts;
  // biome-ignore lint/correctness/useExhaustiveDependencies: at the end alone
  useEffect(() => forget, []);
  return attempts;
}

function Nothing() {
  useAttempts();
  return null;
}

function NotLoaded({ onClose }: { readonly onClose?: () => void }) {
  const { again } = useAttempts();
  const isOlder = useWatched(isNewerThere);
  useEffect(() => void lookForNewer(), []);
  return (
    <div
      role="alert"
      className="fixed inset-x-4 bottom-6 z-50 mx-auto flex max-w-lg flex-wrap items-center justify-end gap-2 rounded-xl border border-line bg-ground p-4 text-sm shadow-xl"
    >
      <p className="min-w-56 flex-1">{isOlder ? strings.ui.notLoadedAnyMore : strings.ui.notLoaded}</p>
      {onClose !== undefined && <Button onClick={onClose}>{strings.ui.close}</Button>}
      <Button kind="primary" onClick={() => (isOlder ? location.reload() : void again())}>
        {isOlder ? strings.ui.reload : strings.ui.tryAgain}
      </Button>
    </div>
  );
}
