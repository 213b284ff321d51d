/** The link of an emergency card (docs/protocol.md §13). */

const ID = /^[0-9a-f]{64}$/u;
const FRAGMENT = /^#\/emergency\/([0-9a-f]{64})(?:\/([0-9a-f]{64}))?$/u;

/** What a card's link or QR code says, or a circle's id as somebody typed it; null: it is none of this service's. @param {string} text @param {string} origin */
export function cardOf(text, origin) {
  const said = text.trim();
  if (ID.test(said)) return { circle: said, pinned: null };
  const url = URL.canParse(said) ? new URL(said) : null;
  const found = url?.origin === origin && url.pathname === "/" ? FRAGMENT.exec(url.hash) : null;
  return found?.[1] ? { circle: found[1], pinned: found[2] ?? null } : null;
}
