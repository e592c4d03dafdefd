// The beginning: take over the page that the server has written.

import { CSPProvider } from "@base-ui/react/csp-provider";
import { Client } from "@threadline/client";
import { ThreadlineProvider } from "@threadline/client/react";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./shell/app.tsx";
import { readFirstState, SessionProvider, takeOver } from "./shell/first-state.ts";
import { followTheme } from "./shell/theme.ts";
import "./app.css";

followTheme();
const first = readFirstState(document);
const { session } = first;
const client = new Client({ name: `threadline:${session.tenant}:${session.end_user_id}` });
const place = document.querySelector("#app");
if (place === null) throw new Error("The page has no place for the app.");
takeOver(client, first);
createRoot(place).render(
  <StrictMode>
    {/* The page's policy allows no inline styles. */}
    <CSPProvider disableStyleElements>
      <SessionProvider value={session}>
        <ThreadlineProvider client={client}>
          <App />
        </ThreadlineProvider>
      </SessionProvider>
    </CSPProvider>
  </StrictMode>,
);
