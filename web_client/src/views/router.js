// Routes live in the fragment: which circle somebody reads never reaches a server's log. Two paths come from
// outside, with a secret as their fragment: /enrol#TOKEN and /join#CODE.

/**
 * @typedef {"circles" | "new-circle" | "circle" | "members" | "accesses" | "devices" | "add-device" | "kit"
 *   | "broadcasts" | "new-broadcast" | "broadcast" | "audit" | "admin" | "me" | "enrol" | "join" | "restore"
 *   | "person" | "lock" | "check-kit" | "replace-kit"
 *   | "emergencies" | "emergency" | "emergency-card" | "new-escrow"
 *   | "unknown"} RouteName
 */
/** `person`: an account, where the page is about one of a circle’s people; the escrow that an emergency card names. @typedef {{ name: RouteName, id: string, person: string, secret: string }} Route */

/** @type {readonly (readonly [RouteName, RegExp])[]} */
const PATTERNS = [
  ["circles", /^$/u],
  ["new-circle", /^new$/u],
  ["circle", /^circle\/([0-9a-f]{64})$/u],
  ["members", /^circle\/([0-9a-f]{64})\/members$/u],
  ["person", /^circle\/([0-9a-f]{64})\/members\/([0-9a-f]{64})$/u],
  ["emergency-card", /^circle\/([0-9a-f]{64})\/card$/u],
  ["accesses", /^circle\/([0-9a-f]{64})\/accesses$/u],
  ["devices", /^devices$/u],
  ["add-device", /^devices\/add$/u],
  ["kit", /^kit$/u],
  ["check-kit", /^kit\/check$/u],
  ["replace-kit", /^kit\/replace$/u],
  ["lock", /^lock$/u],
  ["broadcasts", /^broadcasts$/u],
  ["new-broadcast", /^broadcasts\/new$/u],
  ["broadcast", /^broadcasts\/([0-9a-f-]{36})$/u],
  ["audit", /^audit$/u],
  ["admin", /^admin$/u],
  ["emergencies", /^emergency$/u],
  ["emergency", /^emergency\/([0-9a-f]{64})(?:\/([0-9a-f]{64}))?$/u],
  ["new-escrow", /^escrow(?:\/([\w-]+))?$/u],
  ["me", /^me$/u],
  ["join", /^join$/u],
  ["restore", /^restore$/u],
];

/** @param {{ pathname: string, hash: string }} location @returns {Route} */
export function routeOf({ pathname, hash }) {
  const outside = pathname === "/enrol" ? "enrol" : pathname === "/join" ? "join" : null;
  if (outside && !hash.startsWith("#/")) return { name: outside, id: "", person: "", secret: decodeURIComponent(hash.slice(1)) };
  const path = hash.replace(/^#\/?/u, "");
  for (const [name, pattern] of PATTERNS) {
    const found = pattern.exec(path);
    if (found) return { name, id: found[1] ?? "", person: found[2] ?? "", secret: "" };
  }
  return { name: "unknown", id: "", person: "", secret: "" };
}

export const href = {
  home: "/#/",
  newCircle: "/#/new",
  /** @param {string} circle */ circle: (circle) => `/#/circle/${circle}`,
  /** @param {string} circle */ members: (circle) => `/#/circle/${circle}/members`,
  /** @param {string} circle @param {string} account */ person: (circle, account) => `/#/circle/${circle}/members/${account}`,
  /** @param {string} circle */ accesses: (circle) => `/#/circle/${circle}/accesses`,
  devices: "/#/devices",
  addDevice: "/#/devices/add",
  kit: "/#/kit",
  checkKit: "/#/kit/check",
  replaceKit: "/#/kit/replace",
  lock: "/#/lock",
  broadcasts: "/#/broadcasts",
  newBroadcast: "/#/broadcasts/new",
  /** @param {string} broadcast */ broadcast: (broadcast) => `/#/broadcasts/${broadcast}`,
  audit: "/#/audit",
  admin: "/#/admin",
  emergencies: "/#/emergency",
  /** @param {string} circle @param {string | null} [escrow] */ emergency: (circle, escrow = null) => `/#/emergency/${circle}${escrow ? `/${escrow}` : ""}`,
  /** @param {string} circle */ emergencyCard: (circle) => `/#/circle/${circle}/card`,
  newEscrow: "/#/escrow",
  /** @param {string} token */ escrowInvitation: (token) => `/#/escrow/${token}`,
  me: "/#/me",
  join: "/#/join",
  restore: "/#/restore",
};

/**
 * Go there without a link. `replace` leaves no way back, as a used invitation should.
 * @param {string} to one of {@link href}
 * @param {{ replace?: boolean }} [how]
 */
export function go(to, { replace = false } = {}) {
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  globalThis.dispatchEvent(new Event("relais-route"));
}

/** @param {() => void} listener @returns {() => void} stops listening */
export function onRoute(listener) {
  const names = ["hashchange", "popstate", "relais-route"];
  for (const name of names) globalThis.addEventListener(name, listener);
  return () => {
    for (const name of names) globalThis.removeEventListener(name, listener);
  };
}
