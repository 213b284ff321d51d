/// <reference lib="webworker" />
// Keeps the application itself for use without a network. It never sees notes: those are kept,
// encrypted, by the page.

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const PREFIX = "relais-shell-";
const CACHE = PREFIX + RELAIS_BUILD;
const SHELL = new Set(RELAIS_SHELL);

worker.addEventListener("install", (event) => event.waitUntil(keepShell()));
worker.addEventListener("activate", (event) => event.waitUntil(dropOlderShells()));
worker.addEventListener("fetch", (event) => {
  const answer = answerFor(event.request);
  if (answer) event.respondWith(answer);
});

async function keepShell() {
  const cache = await caches.open(CACHE);
  await cache.addAll(RELAIS_SHELL.map((path) => new Request(path, { cache: "reload" })));
  await worker.skipWaiting();
}

async function dropOlderShells() {
  const older = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  await Promise.all(older.map((name) => caches.delete(name)));
  await worker.clients.claim();
}

/**
 * What we answer ourselves; undefined leaves a request to the network.
 * @param {Request} request
 * @returns {Promise<Response> | undefined}
 */
function answerFor(request) {
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== worker.location.origin) return undefined;
  if (url.pathname === "/" && request.mode === "navigate") return freshPage(request);
  return SHELL.has(url.pathname) && url.pathname !== "/" ? kept(url.pathname, request) : undefined;
}

/**
 * The page as the server has it now, so that a new build is seen at once; the kept one without a network.
 * @param {Request} request
 */
async function freshPage(request) {
  try {
    return await fetch(request);
  } catch (unreachable) {
    const page = await caches.match("/", { cacheName: CACHE });
    if (page) return page;
    throw unreachable;
  }
}

/**
 * @param {string} path
 * @param {Request} request
 */
async function kept(path, request) {
  return (await caches.match(path, { cacheName: CACHE })) ?? fetch(request);
}
