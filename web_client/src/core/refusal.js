/** How a request can fail: the server refused it, or was not reached (docs/protocol.md §9). */

export const CODES = /** @type {const} */ ([
  "malformed", "unauthenticated", "forbidden", "not_found", "stale_epoch", "conflict", "too_large", "rate_limited",
  "unavailable", "internal",
]);
/** @typedef {(typeof CODES)[number]} Code */

const PASSING = /** @type {ReadonlySet<Code>} */ (new Set(["unavailable", "rate_limited", "unauthenticated", "internal"]));

/** The server's no: a code, facts, and where one was broken the rule's word. */
export class Refusal extends Error {
  /** @param {Code} code @param {Readonly<Record<string, unknown>>} [facts] */
  constructor(code, facts = {}) {
    super(code);
    this.name = "Refusal";
    this.code = code;
    this.facts = facts;
  }

  /** @returns {string | null} */
  get reason() {
    const { reason } = this.facts;
    return typeof reason === "string" ? reason : null;
  }

  /** May the same request be answered later? What it asks for was not judged. */
  get passes() {
    return PASSING.has(this.code);
  }

  /** Read an `error` map; an unknown code is read as `internal`. @param {unknown} error */
  static fromWire(error) {
    const { code, ...facts } = /** @type {Record<string, unknown>} */ (typeof error === "object" && error !== null ? error : {});
    return new Refusal(CODES.find((known) => known === code) ?? "internal", facts);
  }
}

/** No answer: nobody is there, or the way is cut. Whether the request was received is not known. */
export class Unreachable extends Error {
  /** @param {ErrorOptions} [options] */
  constructor(options) {
    super("unreachable", options);
    this.name = "Unreachable";
  }
}
