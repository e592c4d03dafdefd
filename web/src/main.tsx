// The beginning: take over the page that the server has written.

import { CSPProvider } from "@base-ui/react/csp-provider";
import { Client } from "@threadline/client";
import { ThreadlineProvider } from "@threadline/client/react";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./shell/app.tsx";
import {
  type FirstState,
  readFirstState,
  type Session,
  SessionProvider,
  sessionOf,
  takeOver,
} from "./shell/first-state.ts";
import { keepShell, lookWhenBack } from "./shell/installed.ts";
import { NewerNote } from "./shell/newer-note.tsx";
import { followTheme } from "./shell/theme.ts";
import { strings } from "./strings.ts";
import { tellModels } from "./ui/models.ts";
import "./app.css";

followTheme();
keepShell();
const first = readFirstState(document);
const session = sessionOf(first);
if (session === null) document.body.append(strings.shell.nobody);
else begin(first, session);

function begin(first: FirstState, session: Session): void {
  const place = document.querySelector("#app");
  if (place === null) throw new Error("The page has no place for the app.");
  const client = new Client({ name: `threadline:${session.tenant}:${session.end_user_id}` });
  if (first.models !== null) tellModels(client, first.models);
  lookWhenBack(client);
  takeOver(client, first, place);
  createRoot(place).render(
    <StrictMode>
      {/* The page's policy allows no inline styles. */}
      <CSPProvider disableStyleElements>
        <SessionProvider value={session}>
          <ThreadlineProvider client={client}>
            <App />
            <NewerNote />
          </ThreadlineProvider>
        </SessionProvider>
      </CSPProvider>
    </StrictMode>,
  );
}
