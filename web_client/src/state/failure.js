/** What every action of the state rejects with, and with nothing else (state/types.js, Failure). */
import { ProtocolError } from "../core/errors.js";
import { Refusal, Unreachable } from "../core/refusal.js";
import { AttachmentError } from "../core/media-type.js";

/** @typedef {import("./types.js").FailureCode} FailureCode */

/** Words of docs/protocol.md that say what a person typed or chose, and not that a server or member did wrong. */
const TYPED = new Map([["bad-kit", "bad-words"], ["bad-code", "bad-code"], ["wrong-mac", "join-mismatch"], ["too-large", "too-large"]]);

export class Failure extends Error {
  /** @param {FailureCode} code @param {{ reason?: string | null, facts?: Readonly<Record<string, unknown>>, cause?: unknown }} [more] */
  constructor(code, { reason = null, facts = {}, cause } = {}) {
    super(reason ? `${code}: ${reason}` : code, cause === undefined ? undefined : { cause });
    this.name = "Failure";
    this.code = code;
    this.reason = reason;
    this.facts = facts;
  }
}

/** This device declines. @param {string} reason */
export const declined = (reason) => new Failure("refused-here", { reason });

/** @param {unknown} error @returns {Failure} `internal` for what is our own mistake */
export function asFailure(error) {
  if (error instanceof Failure) return error;
  if (error instanceof Refusal) return new Failure(error.code, { reason: error.reason, facts: error.facts, cause: error });
  if (error instanceof Unreachable) return new Failure("offline", { cause: error });
  if (error instanceof AttachmentError) return new Failure("refused-here", { reason: error.reason, cause: error });
  if (error instanceof ProtocolError) return ofProtocol(error);
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  if (name === "AbortError") return new Failure("aborted", { cause: error });
  if (name === "QuotaExceededError") return new Failure("refused-here", { reason: "storage-full", cause: error });
  return new Failure("internal", { cause: error });
}

/** @param {ProtocolError} error */
function ofProtocol(error) {
  const typed = TYPED.get(error.reason);
  return typed ? new Failure("refused-here", { reason: typed, cause: error }) : new Failure("protocol", { reason: error.reason, cause: error });
}

/**
 * Run an action so that it rejects with a Failure only.
 * @template T @param {() => T | Promise<T>} action @returns {Promise<T>}
 */
export async function acting(action) {
  try {
    return await action();
  } catch (error) {
    throw asFailure(error);
  }
}
