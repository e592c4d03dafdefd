// Keeps the shell of the app, so that it opens without a network: scripts, styles, and a page with nobody's words in it.
// What people say is kept by the client's own store, and never here.

const worker = self as unknown as ServiceWorkerGlobalScope & {
  readonly BUILD: string;
  readonly REST: readonly string[];
};

const SHELL = "/shell";
const CACHE = `threadline:${worker.BUILD}`;
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
    if (PAGES.test(pathname)) event.respondWith(fetch(request).catch(() => kept(SHELL)));
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

async function kept(request: Request | string): Promise<Response> {
  return (await (await caches.open(CACHE)).match(request)) ?? Response.error();
}

async function keptOrFetched(request: Request): Promise<Response> {
  const found = await caches.match(request);
  if (found !== undefined) return found;
  const response = await fetch(request);
  if (response.ok) await (await caches.open(CACHE)).put(request, response.clone());
  return response;
}

async function fetchedOrKept(request: Request): Promise<Response> {
  try {
    const response = await fetch(request);
    if (response.ok) await (await caches.open(CACHE)).put(request, response.clone());
    return response;
  } catch {
    return kept(request);
  }
}
