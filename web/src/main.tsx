// The beginning: take over the page that the server has written.

import { Client } from "@threadline/client";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { readFirstState } from "./first-state.ts";
import "./app.css";

const { session } = readFirstState(document);
const client = new Client({ name: `threadline:${session.tenant}:${session.end_user_id}` });
const place = document.querySelector("#app");
if (place === null) throw new Error("The page has no place for the app.");
createRoot(place).render(
  <StrictMode>
    <App client={client} session={session} />
  </StrictMode>,
);

// The words that came with the page stay until the app shows them itself.
const id = /^\/t\/([^/]+)$/.exec(location.pathname)?.[1];
const firstPaint = document.querySelector("#first-paint");
if (id === undefined) {
  firstPaint?.remove();
} else {
  const { view } = client.thread(id);
  const stop = view.subscribe(() => {
    if (view.get().status === "loading") return;
    firstPaint?.remove();
    stop();
  });
}
