/**
 * One device's connection, and the only file that knows Socket.IO: WebSocket only, msgpack, one call for every request.
 * It logs in, renews its token on the open socket, and opens the socket again for as long as it is wanted.
 */
import { io } from "socket.io-client";
import * as parser from "socket.io-msgpack-parser";
import { Clock } from "./clock.js";
import { Http } from "./http.js";
import { answer as answerChallenge } from "./login.js";
import { Refusal, Unreachable } from "./refusal.js";
import { ANSWERS, FACTS } from "./wire-shapes.js";

/** @typedef {import("./wire.d.ts").Requests} Requests */
/** @typedef {import("./wire.d.ts").Events} Events */
/** @typedef {import("./wire.d.ts").Token} Token */
/** @typedef {"online" | "connecting" | "offline"} ConnectionState */
/**
 * What the transport tells. `onDenied`: the server no longer knows this device (revoked, unknown): it has stopped trying.
 * `onFault`: something arrived that is not of the protocol.
 * @typedef {object} Hearing
 * @property {(state: ConnectionState) => void} onState
 * @property {<E extends keyof Events>(event: E, fact: Events[E]) => void} onEvent
 * @property {(token: Token) => void} onToken
 * @property {(refusal: Refusal) => void} onDenied
 * @property {(error: unknown) => void} onFault
 */

const CALL_TIMEOUT = 30_000;
const CONNECT_TIMEOUT = 15_000;
const RENEW_BEFORE = 60_000;
const BACKOFF = [500, 1_000, 2_000, 5_000, 10_000, 30_000];
const DENIED = new Set(["unknown-device", "revoked-device", "superseded"]);

export class Transport {
  #keys;
  #hearing;
  #connect;
  #socket = /** @type {import("socket.io-client").Socket | null} */ (null);
  #token = /** @type {Token | null} */ (null);
  #expiresAt = 0;
  #loggingIn = /** @type {Promise<Token> | null} */ (null);
  #renewal = /** @type {ReturnType<typeof setTimeout> | null} */ (null);
  #isWanted = false;
  #wake = () => {};
  /** @type {Set<() => void>} calls that wait for the connection that is being made */ #waiting = new Set();
  #state = /** @type {ConnectionState} */ ("offline");

  /**
   * @param {{ origin: string, keys: import("./cose.js").Signer, hearing: Hearing, clock?: Clock, fetch?: typeof globalThis.fetch,
   *   connect?: typeof io }} parts
   */
  constructor({ origin, keys, hearing, clock = new Clock(), fetch = (...asked) => globalThis.fetch(...asked), connect = io }) {
    this.origin = origin;
    this.clock = clock;
    this.#keys = keys;
    this.#hearing = hearing;
    this.#connect = connect;
    this.http = new Http({ origin, fetch, token: async () => (await this.#validToken()).token });
  }

  get state() {
    return this.#state;
  }

  /** Open the socket and keep it open until `close`. Settles when it is to be closed or the device is denied. */
  async keepOpen() {
    this.#isWanted = true;
    for (let failures = 0; this.#isWanted; failures++) {
      this.#tell("connecting");
      const wasOpen = await this.#openOnce();
      if (!this.#isWanted) break;
      this.#tell("offline");
      if (wasOpen) failures = 0;
      await this.#pause(/** @type {number} */ (BACKOFF[Math.min(failures, BACKOFF.length - 1)]) * (0.5 + Math.random() / 2));
    }
    this.#tell("offline");
  }

  /** The network is back, or the page is seen again: try now instead of later. */
  retryNow() {
    this.#wake();
  }

  close() {
    this.#isWanted = false;
    if (this.#renewal !== null) clearTimeout(this.#renewal);
    this.#socket?.disconnect();
    this.#wake();
  }

  /**
   * Send a request and read its answer; a connection that is just being made is waited for.
   * Throws Refusal, Unreachable; ProtocolError `wrong-type` for an answer that is none.
   * @template {keyof Requests} E
   * @param {E} event @param {Requests[E]["request"]} request
   * @returns {Promise<Requests[E]["answer"]>}
   */
  async call(event, request) {
    if (this.#state === "connecting") await this.#untilSettled();
    if (!this.#socket?.connected) throw new Unreachable();
    let answer;
    try {
      answer = await this.#socket.timeout(CALL_TIMEOUT).emitWithAck(event, asWire(request));
    } catch (error) {
      throw new Unreachable({ cause: error });
    }
    if (answer?.error) throw Refusal.fromWire(answer.error);
    return ANSWERS[event]?.(answer?.ok, false);
  }

  /** Settles when the connection stands or has failed, or took too long. */
  #untilSettled() {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve(undefined);
      };
      const timer = setTimeout(done, CALL_TIMEOUT);
      this.#waiting.add(done);
    });
  }

  /** @returns {Promise<boolean>} was it open for a while? */
  async #openOnce() {
    try {
      const { token } = await this.#validToken();
      if (!this.#isWanted) return false;
      const socket = this.#connect(this.origin, {
        transports: ["websocket"], parser, auth: { token }, reconnection: false, forceNew: true, timeout: CONNECT_TIMEOUT,
      });
      this.#socket = socket;
      return await this.#untilClosed(socket);
    } catch (error) {
      this.#failed(error);
      return false;
    }
  }

  /** @param {import("socket.io-client").Socket} socket @returns {Promise<boolean>} */
  #untilClosed(socket) {
    for (const event of Object.keys(FACTS)) socket.on(event, (fact) => this.#heard(/** @type {keyof Events} */ (event), fact));
    return new Promise((resolve, reject) => {
      socket.on("connect", () => {
        this.#scheduleRenewal();
        this.#tell("online");
      });
      socket.on("disconnect", () => resolve(true));
      socket.on("connect_error", (/** @type {Error & { data?: any }} */ error) => {
        socket.disconnect();
        reject(error.data?.code ? Refusal.fromWire(error.data) : new Unreachable({ cause: error }));
      });
    });
  }

  /** @param {keyof Events} event @param {unknown} fact */
  #heard(event, fact) {
    try {
      this.#hearing.onEvent(event, FACTS[event]?.(fact, false));
    } catch (error) {
      this.#hearing.onFault(error);
    }
  }

  /** @param {unknown} error */
  #failed(error) {
    if (error instanceof Unreachable) return; // the state says so
    if (!(error instanceof Refusal)) return this.#hearing.onFault(error);
    if (error.code !== "unauthenticated") return;
    this.#token = null;
    if (!DENIED.has(error.reason ?? "")) return;
    this.close();
    this.#hearing.onDenied(error);
  }

  /** @returns {Promise<Token>} one that lives for a while yet */
  async #validToken() {
    if (this.#token && this.#expiresAt - RENEW_BEFORE / 2 > this.clock.now()) return this.#token;
    this.#loggingIn ??= this.#logIn().finally(() => (this.#loggingIn = null));
    return this.#loggingIn;
  }

  async #logIn() {
    const { challenge } = await this.http.exchange("/auth/challenge", { device: this.#keys.id });
    return this.#accept(await this.http.exchange("/auth/token", { login: await this.#answer(challenge) }));
  }

  /** @param {import("./bytes.js").Bytes} challenge */
  #answer(challenge) {
    return answerChallenge(this.#keys, challenge, { origin: this.origin, at: this.clock.now() });
  }

  /** @param {Token} token */
  #accept(token) {
    this.clock.heard(token.now);
    this.#token = token;
    this.#expiresAt = this.clock.now() + token.expires_at - token.now; // also where the server's clock is not believed
    this.#hearing.onToken(token);
    return token;
  }

  #scheduleRenewal() {
    if (this.#renewal !== null) clearTimeout(this.#renewal);
    const left = Math.max(0, this.#expiresAt - this.clock.now());
    this.#renewal = setTimeout(() => void this.#renew(), left - Math.min(RENEW_BEFORE, left / 3));
  }

  async #renew() {
    if (!this.#socket?.connected) return; // the next login is when it opens again
    try {
      const { challenge } = await this.call("auth.challenge", { device: this.#keys.id });
      this.#accept(await this.call("auth.renew", { login: await this.#answer(challenge) }));
      this.#scheduleRenewal();
    } catch (error) {
      this.#failed(error);
      this.#socket?.disconnect(); // and is opened again with a new login
    }
  }

  /** @param {number} delay milliseconds */
  #pause(delay) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delay);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(undefined);
      };
    });
  }

  /** @param {ConnectionState} state */
  #tell(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.#hearing.onState(state);
    if (state !== "connecting") for (const done of this.#waiting) done();
  }
}

/**
 * Byte strings as the msgpack parser knows them: an ArrayBuffer in browsers, a Buffer under Node (where an ArrayBuffer
 * would become an extension type).
 * @param {unknown} value @returns {unknown}
 */
function asWire(value) {
  if (value instanceof Uint8Array) return asBinary(value);
  if (Array.isArray(value)) return value.map(asWire);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, asWire(item)]));
}

/** @type {{ from(buffer: ArrayBufferLike, offset: number, length: number): Uint8Array } | undefined} */
const NodeBuffer = /** @type {any} */ (globalThis).Buffer;

/** @param {Uint8Array} bytes */
function asBinary(bytes) {
  return NodeBuffer ? NodeBuffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) : bytes.slice().buffer;
}

