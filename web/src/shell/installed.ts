// The app as something that stays: its shell is kept for when there is no network, and a newer build replaces it.

/** Keep the shell on this device, where the browser can: over https, and on the machine itself. */
export function keepShell(): void {
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("/sw.js").catch(() => undefined);
  // A part that was to be loaded later is gone: the server has a newer build. What is written is kept by then.
  addEventListener("vite:preloadError", (event) => {
    event.preventDefault();
    location.reload();
  });
}
