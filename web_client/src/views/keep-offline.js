/** @import { TrustedTypePolicyFactory } from "trusted-types/lib" */

const WORKER = "/sw.js";

/** Keep the application itself on this device. Trusted Types let nothing else be loaded as a worker. */
export async function keepOffline() {
  if (!("serviceWorker" in navigator)) return;
  /** @type {TrustedTypePolicyFactory | undefined} */
  const types = Reflect.get(globalThis, "trustedTypes");
  const policy = types?.createPolicy("relais", { createScriptURL: onlyOurs });
  /** @type {any} The declared type says text only. */
  const trusted = policy?.createScriptURL(WORKER) ?? WORKER;
  await navigator.serviceWorker.register(trusted);
}

/** @param {string} url */
function onlyOurs(url) {
  if (url !== WORKER) throw new TypeError("only the application's own worker");
  return url;
}
