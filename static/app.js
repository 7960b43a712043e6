// The only script of the start page: it registers the service worker, which shows a page when there is no network.
"use strict";
if ("serviceWorker" in navigator) {
  const { worker, scope } = document.currentScript.dataset;
  // Browsers that refuse it show their own page then; nothing else depends on it.
  addEventListener("load", () => navigator.serviceWorker.register(worker, { scope, updateViaCache: "none" }).catch(() => {}));
}
