// The frame: the sidebar, the conversation of the address, and a line that says when the server is not heard.

import type { Client } from "@threadline/client";
import { useThreadOfAddress } from "./address.ts";
import type { Session } from "./first-state.ts";
import { Sidebar } from "./sidebar.tsx";
import { strings } from "./strings.ts";
import { ThreadPage } from "./thread.tsx";
import { useWatched } from "./watch.ts";

export function App({ client, session }: { readonly client: Client; readonly session: Session }) {
  const current = useThreadOfAddress();
  const signOut = async () => {
    await fetch("/v1/session", { method: "DELETE" });
    await client.forget();
    location.assign("/sign-in");
  };
  return (
    <div className="frame">
      <Sidebar client={client} session={session} current={current} onSignOut={() => void signOut()} />
      <main>
        <ConnectionLine client={client} />
        {current === null ? <p className="soft">{strings.chooseOne}</p> : <ThreadPage client={client} id={current} />}
      </main>
    </div>
  );
}

function ConnectionLine({ client }: { readonly client: Client }) {
  const { phase, failures, problem } = useWatched(client.connection);
  const words = { offline: strings.offline, waiting: strings.reconnecting, refused: problem?.detail ?? null };
  const said = phase === "offline" || phase === "refused" || (phase === "waiting" && failures > 1) ? words[phase] : null;
  return (
    <p className="connection" role="status">
      {said}
    </p>
  );
}
