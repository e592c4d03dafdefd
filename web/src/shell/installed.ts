// The app as something that stays: its shell is kept for when there is no network, and a newer build replaces it.

import type { Client } from "@threadline/client";
import { lookForNewer, ownScript } from "../ui/newer.ts";

const CHANNEL = "threadline:build";

/** Keep the shell on this device, where the browser can: over https, and on the machine itself. */
export function keepShell(): void {
  // A part that was to be loaded later is not there: the server may have a newer build. The page is not loaded anew by
  // itself: somebody may be in the middle of something.
  addEventListener("vite:preloadError", () => void lookForNewer());
  hearOtherTabs();
  if (!("serviceWorker" in navigator)) return;
  const { serviceWorker } = navigator;
  serviceWorker.register("/sw.js").catch(() => undefined);
  // The page is there: now is time for what it may need later, with or without a network.
  const keepRest = () => serviceWorker.ready.then(({ active }) => active?.postMessage("keep the rest"));
  void keepRest();
  serviceWorker.addEventListener("controllerchange", () => void keepRest());
}

/** Another tab was opened, and may have come with a newer build: each says once which one it has. */
function hearOtherTabs(): void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.addEventListener("message", ({ data }) => {
    if (data !== ownScript()) void lookForNewer();
  });
  channel.postMessage(ownScript());
}

/** A server that was away may be another one when it is back. */
export function lookWhenBack(client: Client): void {
  let wasAway = false;
  client.connection.subscribe(() => {
    const { phase, failures } = client.connection.get();
    if (failures > 0) wasAway = true;
    if (phase !== "live" || !wasAway) return;
    wasAway = false;
    void lookForNewer();
  });
}
