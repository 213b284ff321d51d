/**
 * Bytes that break the protocol. `reason` is a stable kebab-case word, the same in Python;
 * it never holds a key, a name or a plaintext.
 */
export class ProtocolError extends Error {
  /** @param {string} reason @param {ErrorOptions} [options] */
  constructor(reason, options) {
    super(reason, options);
    this.name = "ProtocolError";
    this.reason = reason;
  }
}
