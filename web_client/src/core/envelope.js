/** Envelopes: one version of a note, signed by its author's device and sealed to its audiences (docs/protocol.md §6). */
import { concat, isSame } from "./bytes.js";
import { decode as decodeCbor, encode as encodeCbor } from "./cbor.js";
import { decrypt0, digest, encrypt0, peek as peekSigned, sign, verify as verifySigned } from "./cose.js";
import { requireInForce } from "./account.js";
import * as content from "./content.js";
import { inboxInfo, inboxSeed, keyName, wrapKey } from "./epoch.js";
import { ProtocolError } from "./errors.js";
import { AUDIENCES_MOST } from "./ledger-operations.js";
import { bool, bytes, choice, id16, id32, list, optional, structure, text, time, uint, uuid } from "./structure.js";
import { decrypt, encrypt, hkdf, KEY_SIZE, NONCE_SIZE, openSealed, sealTo } from "./suite.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./account.js").AccountState} AccountState */
/** @typedef {import("./content.js").Content} Content */
/** @typedef {import("./epoch.js").EpochKeys} EpochKeys */
/** @typedef {import("./structure.js").ValueOf<typeof HEADER>} Header */
/** @typedef {Header["keys"][number]} SealedKey */
/** @typedef {Header["kind"]} EnvelopeKind */
/**
 * `digest`: hash of the whole envelope; `raw`: its bytes.
 * @typedef {{ header: Header, headerBytes: Bytes, sealed: Bytes, signed: import("./cose.js").Signed, digest: string, raw: Bytes }} Envelope
 */
/** What the author says about a version before it is sealed. @typedef {Omit<Header, "keys" | "commitment" | "device" | "blobs">} Draft */
/**
 * An audience to seal to: with the epoch's key, or without it through its inbox key.
 * @typedef {{ audience: string, epoch: number, key?: Bytes | null, inboxKey?: Bytes | null }} To
 */

export const NOTE_CONTEXT = "relais/1 note";
export const ENVELOPE_MOST = 256 * 1024;
/** Random bytes one `seal` needs: the content key, the content's nonce, a nonce for each audience. */
export const ENTROPY_SIZE = KEY_SIZE + NONCE_SIZE * (1 + AUDIENCES_MOST);
const WRAPPED_SIZE = NONCE_SIZE + KEY_SIZE + 16;
const INBOX_SIZE = 1120 + KEY_SIZE + 16;

const AUDIENCE = /^[a-z][a-z0-9-]{0,19}$/;

const HEADER = structure({
  circle: id32, note: uuid, version: uint, replaces: optional(id32),
  kind: choice(/** @type {const} */ (["post", "correction", "withdrawal", "profile"])),
  account: id32, device: id16, at: time, ledger_seq: uint, ledger_head: id32,
  keys: list(structure({ audience: text(20), epoch: uint, method: choice(/** @type {const} */ (["epoch", "inbox"])), sealed: bytes() }), { most: AUDIENCES_MOST, least: 1 }),
  commitment: bytes(32), blobs: list(id32, { most: content.ATTACHMENTS_MOST }),
  urgent: bool, acknowledge: bool, mentions: list(id32, { most: 60 }),
});

/**
 * Seal and sign one version of a note.
 * Throws ProtocolError `too-large`, `wrong-type`, `wrong-version` for what no reader would take.
 * @param {import("./cose.js").Signer} keys @param {Draft} draft @param {Content} said
 * @param {{ to: readonly To[], entropy: Bytes }} sealing 1 to 8 audiences; `ENTROPY_SIZE` random bytes, never used before
 * @returns {Promise<Bytes>}
 */
export async function seal(keys, draft, said, { to, entropy }) {
  if (entropy.length !== ENTROPY_SIZE) throw new RangeError("sealing needs its random bytes");
  const contentKey = entropy.slice(0, KEY_SIZE);
  const commitment = await commit(contentKey);
  const sealedKeys = [];
  for (const [index, target] of ordered(to).entries()) {
    sealedKeys.push(await sealKey(draft, target, { nonce: nonceOf(entropy, index + 1), contentKey, commitment }));
  }
  const blobs = said.attachments.map((attachment) => attachment.blob);
  const fields = checked({ ...draft, device: keys.id, keys: sealedKeys, commitment, blobs });
  checkContent(fields, said);
  const header = HEADER.encode(fields);
  const key = await hkdf(contentKey, ["relais/1 note", "encrypt"]);
  const sealed = await encrypt0(content.pad(content.encode(said)), { key, nonce: nonceOf(entropy, 0), aad: header });
  return smallEnough(await sign(encodeCbor([header, sealed]), { keys, context: NOTE_CONTEXT }));
}

/** @param {readonly To[]} to */
const ordered = (to) => [...to].sort((one, other) => (one.audience < other.audience ? -1 : 1));

/** @param {Bytes} entropy @param {number} index */
const nonceOf = (entropy, index) => entropy.slice(KEY_SIZE + NONCE_SIZE * index, KEY_SIZE + NONCE_SIZE * (index + 1));

/** @param {Bytes} data @returns {Bytes} */
function smallEnough(data) {
  if (data.length > ENVELOPE_MOST) throw new ProtocolError("too-large");
  return data;
}

/**
 * @param {Draft} draft @param {To} to @param {{ nonce: Bytes, contentKey: Bytes, commitment: Bytes }} by
 * @returns {Promise<SealedKey>}
 */
async function sealKey({ circle, note, version }, { audience, epoch, key, inboxKey }, { nonce, contentKey, commitment }) {
  const place = { circle, audience, epoch, note, version };
  if (key) {
    const wrapped = await encrypt(contentKey, { key: await wrapKey(key, place), nonce, aad: commitment });
    return { audience, epoch, method: "epoch", sealed: concat(nonce, wrapped) };
  }
  if (!inboxKey) throw new ProtocolError("key-missing");
  return { audience, epoch, method: "inbox", sealed: await sealTo(inboxKey, contentKey, inboxInfo(place)) };
}

/** Read without verifying. Throws ProtocolError `too-large`, `wrong-version`, `bad-audience`, `bad-signature`, and a decoder's. @param {Uint8Array} data @returns {Promise<Envelope>} */
export async function peek(data) {
  const signed = peekSigned(smallEnough(/** @type {Bytes} */ (data)));
  const parts = decodeCbor(signed.payload);
  const isPair = Array.isArray(parts) && parts.length === 2 && parts.every((part) => part instanceof Uint8Array);
  if (!isPair) throw new ProtocolError("wrong-type");
  const [headerBytes, sealed] = /** @type {[Bytes, Bytes]} */ (parts);
  const header = checked(HEADER.decode(headerBytes));
  if (header.device !== signed.kid) throw new ProtocolError("bad-signature");
  return { header, headerBytes, sealed, signed, digest: await digest(data), raw: signed.raw };
}

/** @param {Header} header @returns {Header} */
function checked(header) {
  const { version, replaces, kind, keys } = header;
  if (version < 1 || (version === 1) !== (replaces === null)) throw new ProtocolError("wrong-version");
  if (kind !== "profile" && (version === 1) !== (kind === "post")) throw new ProtocolError("wrong-version");
  if (!keys.every((key) => AUDIENCE.test(key.audience))) throw new ProtocolError("bad-audience");
  if (keys.some((key, index) => index > 0 && key.audience <= /** @type {SealedKey} */ (keys[index - 1]).audience)) throw new ProtocolError("wrong-type");
  if (keys.some((key) => key.sealed.length !== (key.method === "epoch" ? WRAPPED_SIZE : INBOX_SIZE))) throw new ProtocolError("wrong-type");
  return header;
}

/**
 * Check that a device of the author, not revoked before the note's time, signed it. Whether the author could post is
 * another question (posting.js). Throws ProtocolError `wrong-account`, `not-a-device`, `revoked-device`, `bad-signature`.
 * @param {Envelope} envelope @param {AccountState} author
 */
export async function verify(envelope, author) {
  if (author.account !== envelope.header.account) throw new ProtocolError("wrong-account");
  const device = requireInForce(author, envelope.header.device, envelope.header.at);
  await verifySigned(envelope.signed, { publicKey: device.sign, context: NOTE_CONTEXT });
}

/**
 * Open with the key of any of its epochs, or with its own. Throws ProtocolError `key-missing`, `cannot-open`, `commitment-differs`,
 * `bad-padding`, `blobs-differ`, and what `content.decode` throws.
 * @param {Envelope} envelope @param {EpochKeys} epochKeys @returns {Promise<Content>}
 */
export async function openEnvelope(envelope, epochKeys) {
  const { header, headerBytes, sealed } = envelope;
  const key = await hkdf(await contentKeyOf(envelope, epochKeys), ["relais/1 note", "encrypt"]);
  const said = content.decode(content.unpad(await decrypt0(sealed, { key, aad: headerBytes })));
  if (!isSameList(header.blobs, said.attachments.map((attachment) => attachment.blob))) throw new ProtocolError("blobs-differ");
  checkContent(header, said);
  return said;
}

/**
 * The key of this version alone: with it, it can be read or handed on, and nothing else can. Throws ProtocolError
 * `key-missing` (a key said to be its own, that is not, counts as none), `cannot-open`, `commitment-differs`.
 * @param {Envelope} envelope @param {EpochKeys} keys @returns {Promise<Bytes>}
 */
export async function contentKeyOf({ header }, keys) {
  const own = keys.get(keyName(header.note, header.version));
  if (own && isSame(await commit(own), header.commitment)) return own;
  const key = await openKey(header, keys);
  if (!isSame(await commit(key), header.commitment)) throw new ProtocolError("commitment-differs");
  return key;
}

/** Is this the key of this version? What a grant of a single version is told true by. @param {Envelope} envelope @param {Bytes} key */
export const isContentKey = async ({ header }, key) => isSame(await commit(key), header.commitment);

/** @param {Header} header @param {EpochKeys} epochKeys @returns {Promise<Bytes>} */
async function openKey(header, epochKeys) {
  for (const sealed of header.keys) {
    const epochKey = epochKeys.get(keyName(sealed.audience, sealed.epoch));
    if (epochKey) return sealed.method === "epoch" ? unwrap(header, sealed, epochKey) : openInbox(header, sealed, epochKey);
  }
  throw new ProtocolError("key-missing");
}

/** @param {Header} header @param {SealedKey} sealed @param {Bytes} epochKey */
async function unwrap({ circle, note, version, commitment }, { audience, epoch, sealed }, epochKey) {
  const key = await wrapKey(epochKey, { circle, audience, epoch, note, version });
  return decrypt(sealed.subarray(NONCE_SIZE), { key, nonce: sealed.subarray(0, NONCE_SIZE), aad: commitment });
}

/** @param {Header} header @param {SealedKey} sealed @param {Bytes} epochKey */
async function openInbox({ circle, note, version }, { audience, epoch, sealed }, epochKey) {
  const seed = await inboxSeed(epochKey, audience, epoch);
  return openSealed(seed, sealed, inboxInfo({ circle, audience, epoch, note, version }));
}

/** @param {readonly string[]} one @param {readonly string[]} other */
const isSameList = (one, other) => one.length === other.length && one.every((item, index) => item === other[index]);

/** What header and content owe each other beyond their tables. @param {Header} header @param {Content} said */
function checkContent({ kind }, { type, form, attachments }) {
  const hasMore = form !== null || attachments.length > 0;
  if ((kind === "profile") !== (type === "PROFILE") || (kind === "withdrawal" && hasMore)) throw new ProtocolError("wrong-type");
}

/**
 * A version against the ones before it: same note, same author as version 1, the hash of the version it replaces,
 * the same audiences, nothing after a withdrawal. Throws ProtocolError `wrong-circle`, `wrong-version`, `not-the-author`, `audiences-differ`.
 * @param {Envelope} envelope @param {readonly Pick<Envelope, "header" | "digest">[]} previous versions 1 to n − 1, in order; from a later one on for whom it is the first
 */
export function checkFollows({ header }, previous) {
  const [first, last] = [previous[0]?.header, previous.at(-1)];
  if (header.version !== (last?.header.version ?? 0) + 1) throw new ProtocolError("wrong-version");
  if (!first || !last) return;
  if (header.circle !== first.circle) throw new ProtocolError("wrong-circle");
  const isProfile = header.kind === "profile";
  if (header.note !== first.note || isProfile !== (first.kind === "profile")) throw new ProtocolError("wrong-version");
  if (header.replaces !== last.digest || last.header.kind === "withdrawal") throw new ProtocolError("wrong-version");
  if (isProfile) return;
  if (header.account !== first.account) throw new ProtocolError("not-the-author");
  if (!isSameList(audiencesOf(header), audiencesOf(first))) throw new ProtocolError("audiences-differ");
}

/** Who may read a version, in ascending order. @param {Header} header @returns {string[]} */
export const audiencesOf = (header) => header.keys.map((key) => key.audience);

/** @param {Bytes} contentKey */
const commit = (contentKey) => hkdf(contentKey, ["relais/1 note", "commit"]);
