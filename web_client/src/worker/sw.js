/// <reference lib="webworker" />
// Keeps the application itself for use without a network. It never sees notes: those are kept,
// encrypted, by the page.

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const PREFIX = "relais-shell-";
const CACHE = PREFIX + RELAIS_BUILD;
const SHELL = new Set(RELAIS_SHELL);
const PATIENCE = 3_000; // milliseconds a page may take before the kept one is shown

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
  if (request.mode === "navigate") return freshPage(request);
  return SHELL.has(url.pathname) ? kept(url.pathname, request) : undefined;
}

/**
 * The page as the server has it now, so that a new build is seen at once; the kept one where the
 * network is gone or keeps a member waiting.
 * @param {Request} request
 */
async function freshPage(request) {
  const fresh = fetch(request);
  const first = await Promise.race([fresh.catch(() => undefined), later(PATIENCE)]);
  return first ?? (await caches.match("/", { cacheName: CACHE })) ?? fresh;
}

/**
 * @param {number} milliseconds
 * @returns {Promise<undefined>}
 */
function later(milliseconds) {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), milliseconds));
}

/**
 * @param {string} path
 * @param {Request} request
 */
async function kept(path, request) {
  return (await caches.match(path, { cacheName: CACHE })) ?? fetch(request);
}
