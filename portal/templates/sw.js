// Keeps what is listed here, under exactly these addresses, and nothing else: no entry, no search, no answer of the
// API is ever written into a cache. What a form sends does not pass through here.
"use strict";
const KEPT = "shell-{{ version }}";
const SHELL = {{ shell | tojson }};
const [OFFLINE, OFFLINE_ELDER] = {{ pages | tojson }};
// A browser tries again by itself to open a screen that it could not reach; a page from here would stay on the wall.
const DISPLAYS = {{ displays | tojson }};

self.addEventListener("install", (event) => {
  const fill = async () => {
    const cache = await caches.open(KEPT);
    await cache.addAll(SHELL.map((address) => new Request(address, { cache: "reload", credentials: "omit" })));
    await self.skipWaiting();
  };
  event.waitUntil(fill());
});

self.addEventListener("activate", (event) => {
  const clean = async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name !== KEPT).map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(clean());
});

const findKept = async (address) => {
  const cache = await caches.open(KEPT);
  return cache.match(address);
};

const open = async (request, isElder) => {
  try {
    return await fetch(request);
  } catch {
    return (await findKept(isElder ? OFFLINE_ELDER : OFFLINE)) || Response.error();
  }
};

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== self.location.origin || address.pathname.startsWith(DISPLAYS)) return;
  if (request.mode === "navigate") {
    event.respondWith(open(request, address.searchParams.get("mode") === "elder"));
  } else if (SHELL.includes(address.pathname + address.search)) {
    event.respondWith(findKept(address.pathname + address.search).then((kept) => kept || fetch(request)));
  }
});
