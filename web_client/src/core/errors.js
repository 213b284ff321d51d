/**
 * What broke it: whose account, the hash and the place of what does not hold. `isKnown`: it was told of before; `isOwn`: it is
 * this device's own state, and nothing it was shown.
 * @typedef {{ account?: string, name?: string, of?: string | null, seq?: number | null, isKnown?: boolean, isOwn?: boolean }} About
 */

/**
 * Bytes that break the protocol. `reason` is a stable kebab-case word, the same in Python;
 * it never holds a key, a name or a plaintext.
 */
export class ProtocolError extends Error {
  /** @param {string} reason @param {ErrorOptions & { about?: About }} [options] */
  constructor(reason, options) {
    super(reason, options);
    this.name = "ProtocolError";
    this.reason = reason;
    this.about = options?.about ?? {};
  }

  /** The same, by whoever knows what it is about. @param {About} about */
  concerning(about) {
    return new ProtocolError(this.reason, { cause: this, about: { ...about, ...this.about } });
  }
}
