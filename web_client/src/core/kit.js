/** Recovery kits: a device whose seed is printed and forgotten (docs/protocol.md §3). The word lists are loaded when asked for. */
import { fromBase64url, toBase64url } from "./bytes.js";
import { keysFromSeeds } from "./device.js";
import { ProtocolError } from "./errors.js";
import { hkdf } from "./suite.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {"fr" | "en"} KitLanguage */

const SEED_SIZE = 32;
const WORDS = 24;
const QR_PREFIX = "relais-kit:1:";

/** @param {Uint8Array} seed 32 bytes */
export async function keysOf(seed) {
  const [signSeed, kemSeed] = await Promise.all([hkdf(seed, ["relais/1 kit", "sign"]), hkdf(seed, ["relais/1 kit", "kem"])]);
  return keysFromSeeds(signSeed, kemSeed);
}

/** BIP-39. @param {Uint8Array} seed 32 bytes @param {KitLanguage} language @returns {Promise<string[]>} 24 words, composed (NFC) */
export async function words(seed, language) {
  const { bip39, list } = await loaded(language);
  return bip39.entropyToMnemonic(seed, list).normalize("NFC").split(/\s/);
}

/**
 * Read the words of either language, whatever the case, the accents and the spaces.
 * Throws ProtocolError `bad-kit`.
 * @param {string} text @returns {Promise<Bytes>} 32
 */
export async function seedOf(text) {
  const written = text.trim().split(/\s+/).map(plainWord);
  if (written.length !== WORDS) throw new ProtocolError("bad-kit");
  for (const language of /** @type {const} */ (["en", "fr"])) {
    const seed = await seedIn(written, language);
    if (seed) return seed;
  }
  throw new ProtocolError("bad-kit");
}

/** @param {string[]} written @param {KitLanguage} language @returns {Promise<Bytes | null>} null unless all words are of that language and the checksum holds */
async function seedIn(written, language) {
  const { bip39, list } = await loaded(language);
  const known = new Map(list.map((word) => [plainWord(word), word]));
  const found = written.map((word) => known.get(word));
  if (found.includes(undefined)) return null;
  const mnemonic = found.join(" ");
  return bip39.validateMnemonic(mnemonic, list) ? new Uint8Array(bip39.mnemonicToEntropy(mnemonic, list)) : null;
}

/** Without case and accents: no two words of a list differ by these alone. @param {string} word */
export const plainWord = (word) => word.normalize("NFKD").replace(/\p{Mark}/gu, "").toLowerCase();

/** @param {KitLanguage} language */
async function loaded(language) {
  const list = language === "fr" ? import("@scure/bip39/wordlists/french.js") : import("@scure/bip39/wordlists/english.js");
  const [bip39, { wordlist }] = await Promise.all([import("@scure/bip39"), list]);
  return { bip39, list: wordlist };
}

/** @param {Uint8Array} seed 32 bytes */
export const qrText = (seed) => QR_PREFIX + toBase64url(seed);

/** Throws ProtocolError `bad-kit`. @param {string} text @returns {Bytes} 32 */
export function seedOfQr(text) {
  if (!text.startsWith(QR_PREFIX)) throw new ProtocolError("bad-kit");
  try {
    const seed = fromBase64url(text.slice(QR_PREFIX.length));
    if (seed.length === SEED_SIZE) return seed;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
  throw new ProtocolError("bad-kit");
}
