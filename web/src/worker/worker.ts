// Keeps the shell of the app, so that it opens without a network: scripts, styles, and a page with nobody's words in it.
// What people say is kept by the client's own store, and never here.

const worker = self as unknown as ServiceWorkerGlobalScope & {
  readonly BUILD: string;
  readonly REST: readonly string[];
};

const SHELL = "/shell";
const CACHE = `threadline:${worker.BUILD}`;
/** No answer for so long is none: the shell asks for what it needs, and says what is wrong. */
const FETCH_MS_MAX = 8_000;
/** Pages of the app. Sign-in, shared pages and the reference are the server's own. */
const PAGES = /^\/(t\/[^/]+|operator(\/.*)?)?$/;
const HASHED = /^\/assets\//;
const NAMED = /^\/(app\/[^/]+|pages\.css)$/;

worker.addEventListener("install", (event) => event.waitUntil(install()));
worker.addEventListener("activate", (event) => event.waitUntil(activate()));
worker.addEventListener("message", (event) => event.waitUntil(keepRest()));
worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== worker.location.origin) return;
  if (request.mode === "navigate") {
    if (PAGES.test(pathname)) event.respondWith(pageOrShell(request));
  } else if (HASHED.test(pathname)) event.respondWith(keptOrFetched(request));
  else if (NAMED.test(pathname)) event.respondWith(fetchedOrKept(request));
});

async function install(): Promise<void> {
  const cache = await caches.open(CACHE);
  const shell = await fetch(SHELL, { cache: "no-store" });
  const page = await shell.clone().text();
  await cache.put(SHELL, shell);
  const files = [...page.matchAll(/(?:src|href)="(\/(?:assets|app)\/[^"]+|\/pages\.css)"/g)].map((found) => found[1]);
  await cache.addAll(files.filter((file) => file !== undefined));
  await worker.skipWaiting();
}

async function activate(): Promise<void> {
  // The former build stays: a tab that is open may need its parts, which the server does not have any more.
  const older = (await caches.keys()).filter((name) => name !== CACHE);
  await Promise.all(older.slice(0, -1).map((name) => caches.delete(name)));
  await worker.clients.claim();
}

/** Dialogs, menus and whatever else a conversation may load later: one after the other, behind all that is urgent. */
async function keepRest(): Promise<void> {
  const cache = await caches.open(CACHE);
  for (const file of worker.REST) {
    if ((await cache.match(file)) !== undefined) continue;
    // What fails now is tried with the next page.
    await cache.add(file).catch(() => undefined);
  }
}

/** A page of the server's; or the shell, where the network is away or swallows what is asked. */
async function pageOrShell(request: Request): Promise<Response> {
  const page = fetch(request);
  return (await inTime(page)) ?? (await caches.match(SHELL)) ?? page;
}

/** What is fetched; null where the network is away or swallows what is asked. */
function inTime(fetched: Promise<Response>): Promise<Response | null> {
  const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), FETCH_MS_MAX));
  return Promise.race([fetched, late]).catch(() => null);
}

/** Keep a response for later. A device without room costs that, and not the response. */
async function keep(request: Request, response: Response): Promise<Response> {
  const copy = response.clone();
  const put = async () => (await caches.open(CACHE)).put(request, copy);
  if (response.ok) await put().catch(() => undefined);
  return response;
}

async function keptOrFetched(request: Request): Promise<Response> {
  const found = await caches.match(request);
  return found ?? keep(request, await fetch(request));
}

async function fetchedOrKept(request: Request): Promise<Response> {
  const fetched = fetch(request);
  const found = await inTime(fetched);
  if (found !== null) return keep(request, found);
  return (await (await caches.open(CACHE)).match(request)) ?? fetched;
}
