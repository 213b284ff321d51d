/** What the application stands on: what a browser offers, and a test replaces. */
import { BrowserPasskeys } from "./passkeys.js";
import { prepareAttachment } from "./prepare-image.js";

/**
 * @typedef {object} Ground
 * @property {string} origin of the server
 * @property {IDBFactory} indexedDB
 * @property {string} databaseName
 * @property {typeof globalThis.fetch} fetch
 * @property {() => Promise<boolean | undefined>} persist asks the browser not to throw the database away
 * @property {() => Promise<boolean | undefined>} persisted did it promise? undefined: it does not say
 * @property {{ isSet: () => boolean, set: (is: boolean) => void }} mark stands outside the database: was there an account?
 * @property {import("./attachments.js").Prepare} prepare cleans a file
 * @property {import("./outbox.js").Exclusively} exclusively
 * @property {(wake: () => void) => void} onWake tells when the network is back or the page is seen again
 * @property {(listener: () => void) => void} onActivity tells when somebody does something
 * @property {{ tell: () => void, listen: (listener: () => void) => () => void }} elsewhere the application in other tabs
 * @property {import("./passkeys.js").Passkeys} passkeys
 * @property {() => void} restart leaves nothing in memory
 * @property {(error: unknown) => void} report for developers
 * @property {number} hesitation see Session
 */

const HESITATION = 2_000;
const MARK = "relais.account";
const DOINGS = ["pointerdown", "keydown", "wheel", "touchstart", "visibilitychange", "pageshow"];
const { location, navigator } = globalThis;
const locks = navigator?.locks;

/** @param {number} width @param {number} height */
const createCanvas = (width, height) => new OffscreenCanvas(width, height);

/** @param {readonly string[]} names @param {() => void} listener */
function onAny(names, listener) {
  for (const name of names) globalThis.addEventListener?.(name, listener, { capture: true, passive: true });
}

/** @type {Ground} */
export const BROWSER = {
  origin: location?.origin ?? "", indexedDB: globalThis.indexedDB, databaseName: "relais",
  fetch: (...asked) => globalThis.fetch(...asked),
  persist: async () => navigator?.storage?.persist?.(),
  persisted: async () => navigator?.storage?.persisted?.(),
  mark: {
    isSet: () => globalThis.localStorage?.getItem(MARK) === "1",
    set: (is) => (is ? globalThis.localStorage?.setItem(MARK, "1") : globalThis.localStorage?.removeItem(MARK)),
  },
  prepare: (file) => prepareAttachment(file, { createCanvas }),
  exclusively: locks ? (name, task) => locks.request(name, task) : (_name, task) => task(),
  onWake: (wake) => onAny(["online", "pageshow"], wake),
  onActivity: (listener) => onAny(DOINGS, listener),
  elsewhere: otherTabs("relais.anew"),
  passkeys: new BrowserPasskeys(),
  restart: () => globalThis.location?.reload(),
  report: (error) => globalThis.reportError?.(error),
  hesitation: HESITATION,
};

/** By what is written beside the database: a tab is told of what another one writes. @param {string} name @returns {Ground["elsewhere"]} */
function otherTabs(name) {
  return {
    tell: () => globalThis.localStorage?.setItem(name, String(Date.now())),
    listen: (listener) => {
      const hear = (/** @type {StorageEvent} */ { key }) => key === name && listener();
      globalThis.addEventListener?.("storage", hear);
      return () => globalThis.removeEventListener?.("storage", hear);
    },
  };
}
