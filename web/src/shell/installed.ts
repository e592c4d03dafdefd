// The app as something that stays: its shell is kept for when there is no network, and a newer build replaces it.

const KEY = "threadline:reloaded";
const ONCE_MS = 60_000;

/** Keep the shell on this device, where the browser can: over https, and on the machine itself. */
export function keepShell(): void {
  addEventListener("vite:preloadError", () => {
    if (isWorthReloading(Date.now())) location.reload();
  });
  if (!("serviceWorker" in navigator)) return;
  const { serviceWorker } = navigator;
  serviceWorker.register("/sw.js").catch(() => undefined);
  // The page is there: now is time for what it may need later, with or without a network.
  const keepRest = () => serviceWorker.ready.then(({ active }) => active?.postMessage("keep the rest"));
  void keepRest();
  serviceWorker.addEventListener("controllerchange", () => void keepRest());
}

// A part that was to be loaded later is not there: the server has a newer build, and its page names the parts of that.
// Without a network there is nothing newer to be had, and what does not help once does not help again at once.
function isWorthReloading(now: number): boolean {
  if (!navigator.onLine || now - Number(sessionStorage.getItem(KEY)) < ONCE_MS) return false;
  sessionStorage.setItem(KEY, String(now));
  return true;
}
