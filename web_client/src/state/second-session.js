/** Acting for a while as another device than this one: a recovery kit's, an escrow's. */
import { Transport } from "../core/transport.js";

/** @typedef {{ transport: Transport, account: string }} Connected `account`: whose device it is, as the server says */

/**
 * Log in with these keys. Throws Refusal where the server denies the device; whoever calls closes the transport.
 * @param {{ origin: string, fetch?: typeof globalThis.fetch }} where @param {import("../core/device.js").DeviceKeys} keys @returns {Promise<Connected>}
 */
export function connected({ origin, fetch = (...asked) => globalThis.fetch(...asked) }, keys) {
  return new Promise((resolve, reject) => {
    let account = "";
    const transport = new Transport({
      origin, keys, fetch,
      hearing: {
        onState: (state) => state === "online" && resolve({ transport, account }),
        onEvent: () => {}, // what others do meanwhile, the session that follows asks for
        onToken: (token) => (account = token.account),
        onDenied: (refusal) => reject(refusal),
        onFault: (error) => reject(error instanceof Error ? error : new Error("fault", { cause: error })),
      },
    });
    transport.keepOpen().catch(reject);
  });
}
