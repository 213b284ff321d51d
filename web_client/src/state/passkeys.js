/**
 * Passkeys that compute a secret: WebAuthn with the PRF extension (Web Authentication Level 3 §10.1.4). The server knows
 * nothing of them: nobody is logged in by them, and no answer is verified but by what its secret opens.
 */
import { randomBytes } from "../core/bytes.js";
import { declined } from "./failure.js";

/** @typedef {import("../core/bytes.js").Bytes} Bytes */
/**
 * @typedef {object} Passkeys
 * @property {() => boolean} isPossible could this browser have one at this address?
 * @property {(wanted: { salt: Bytes, name: string }) => Promise<{ id: Bytes, output: Bytes }>} create
 * @property {(known: { id: Bytes, salt: Bytes }) => Promise<Bytes>} ask 32 bytes, the same for the same salt
 */

const ALGORITHMS = [-8, -7, -257]; // EdDSA, ES256, RS256: whichever it speaks, no signature is looked at

/** @implements {Passkeys} */
export class BrowserPasskeys {
  isPossible() {
    return globalThis.isSecureContext && "PublicKeyCredential" in globalThis && !/^[\d.]+$|:/u.test(location.hostname); // an address of numbers has no passkeys
  }

  /** Throws Failure `refused-here` `no-prf`, `passkey-refused`. @param {{ salt: Bytes, name: string }} wanted */
  async create({ salt, name }) {
    const credential = await asked(() => navigator.credentials.create({ publicKey: {
      rp: { name: "Relais" }, user: { id: randomBytes(16), name, displayName: name }, challenge: randomBytes(32),
      pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: "public-key", alg })),
      authenticatorSelection: { residentKey: "preferred", userVerification: "required" },
      extensions: { prf: { eval: { first: salt } } },
    } }));
    const prf = prfOf(credential);
    if (!prf?.enabled) throw declined("no-prf");
    const id = new Uint8Array(credential.rawId);
    return { id, output: prf.results ? bytesOf(prf.results.first) : await this.ask({ id, salt }) };
  }

  /** Throws Failure `refused-here` `passkey-refused`. @param {{ id: Bytes, salt: Bytes }} known */
  async ask({ id, salt }) {
    const credential = await asked(() => navigator.credentials.get({ publicKey: {
      challenge: randomBytes(32), allowCredentials: [{ type: "public-key", id }], userVerification: "required",
      extensions: { prf: { eval: { first: salt } } },
    } }));
    const output = prfOf(credential)?.results?.first;
    if (!output) throw declined("no-prf");
    return bytesOf(output);
  }
}

/** @param {BufferSource} source */
const bytesOf = (source) => (ArrayBuffer.isView(source) ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice() : new Uint8Array(source).slice());

/** @param {PublicKeyCredential} credential */
const prfOf = (credential) => credential.getClientExtensionResults().prf;

/** @param {() => Promise<Credential | null>} ask @returns {Promise<PublicKeyCredential>} */
async function asked(ask) {
  try {
    const credential = await ask();
    if (credential) return /** @type {PublicKeyCredential} */ (credential);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error; // cancelled, not there, too late: the person is told and tries again
    throw Object.assign(declined("passkey-refused"), { cause: error });
  }
  throw declined("passkey-refused");
}
