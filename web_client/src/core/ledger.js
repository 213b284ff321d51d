/**
 * A circle's ledger (docs/protocol.md §4): signed, hash-chained entries; every client checks every one.
 * The rules are in ledger-rules.js, what follows from a state in ledger-state.js.
 */
import { readResets, requireInForceAtHead } from "./account.js";
import { verify } from "./cose.js";
import { ProtocolError } from "./errors.js";
import { CIRCLE_CONTEXT, peekEntry, signEntry } from "./ledger-operations.js";
import { follow } from "./ledger-rules.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./account.js").AccountState} AccountState */
/** @typedef {import("./ledger-operations.js").Entry} Entry */
/** @typedef {import("./ledger-operations.js").Operation} Operation */
/** @typedef {import("./ledger-state.js").CircleState} CircleState */
/** @typedef {{ account: string, accountHead: string, at: number, operations: readonly Operation[] }} Act */

export { peekEntry } from "./ledger-operations.js";
export * from "./ledger-state.js";

/**
 * The next entry (null: entry 0 of a new ledger). It does not check the rules: apply it to one's own state before sending it.
 * @param {CircleState | null} state @param {import("./cose.js").Signer} keys @param {Act} act @returns {Promise<Bytes>}
 */
export function writeEntry(state, keys, { account, accountHead, at, operations }) {
  const place = state ? { circle: state.circle, seq: state.seq + 1, prev: state.head } : { circle: null, seq: 0, prev: null };
  return signEntry(keys, { ...place, at, account, account_head: accountHead, operations: [...operations] });
}

/**
 * Check the next entry (place, author's device, signature, rules) and go on to the state after it.
 * @param {CircleState | null} state @param {Uint8Array} data
 * @param {AccountState} author the acting account, at `account_head` or later
 * @returns {Promise<CircleState>}
 */
export async function apply(state, data, author) {
  const entry = await peekEntry(data);
  checkPlace(state, entry);
  if (author.account !== entry.account) throw new ProtocolError("wrong-account");
  const device = requireInForceAtHead(author, entry.device, entry.account_head);
  await verify(entry.signed, { publicKey: device.sign, context: CIRCLE_CONTEXT });
  return follow(state, { ...entry, newcomers: await newcomersOf(entry) });
}

/** Who takes the place of each account that was reset, proved by its statements. @param {Entry} entry @returns {Promise<Map<string, string>>} */
async function newcomersOf({ operations }) {
  const readmitted = operations.flatMap((operation) => (operation.op === "member.readmit" ? [operation] : []));
  return new Map(await Promise.all(readmitted.map(async ({ account, statements }) =>
    /** @type {const} */ ([account, await readResets(statements, account)]))));
}

/** @param {CircleState | null} state @param {Entry} entry */
function checkPlace(state, entry) {
  if (entry.circle !== (state?.circle ?? null)) throw new ProtocolError("wrong-circle");
  const isNext = entry.seq === (state ? state.seq + 1 : 0) && entry.prev === (state?.head ?? null);
  if (!isNext) throw new ProtocolError("broken-chain");
}

/**
 * The state after a whole ledger. Throws ProtocolError as `apply`; `broken-chain` if there is no entry.
 * @param {readonly Uint8Array[]} entries @param {(account: string) => AccountState | Promise<AccountState>} authors
 * @returns {Promise<CircleState>}
 */
export async function replay(entries, authors) {
  const state = (await replayed(entries, authors)).at(-1);
  if (!state) throw new ProtocolError("broken-chain");
  return state;
}

/**
 * The states after each entry of a whole ledger. Throws ProtocolError as `apply`.
 * @param {readonly Uint8Array[]} entries @param {(account: string) => AccountState | Promise<AccountState>} authors
 */
export async function replayed(entries, authors) {
  /** @type {CircleState[]} */
  const states = [];
  for (const data of entries) {
    const { account } = await peekEntry(data);
    states.push(await apply(states.at(-1) ?? null, data, await authors(account)));
  }
  return states;
}
