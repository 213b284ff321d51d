/**
 * Who may do what in a circle (docs/protocol.md §4): a pure function of the ledger before.
 *
 * What the actor may do is judged by the ledger before the entry; operations are applied in order; what an entry owes as
 * a whole (rotations, a lead that stays, openers inside their audience) is judged after it. Each rule throws
 * ProtocolError with the reason of the table. Signatures and the chain are checked elsewhere.
 */
import { ProtocolError } from "./errors.js";
import { AUDIENCES_MOST, ROLES } from "./ledger-operations.js";
import { audiencesOf, isActive, lastPeriod, reads, requireMember, roleOf, TEAM } from "./ledger-state.js";

/** @typedef {import("./ledger-state.js").CircleState} CircleState */
/** @typedef {import("./ledger-state.js").Member} Member */
/** @typedef {import("./ledger-state.js").Period} Period */
/** @typedef {import("./ledger-operations.js").Operation} Operation */
/** @typedef {import("./ledger-operations.js").CircleRole} CircleRole */
/**
 * @template {Operation["op"]} O
 * @typedef {import("./ledger-operations.js").OperationOf<O>} OperationOf
 */
/**
 * An entry whose signatures are in order; `newcomers`: who takes the place of each account that was reset.
 * @typedef {Pick<import("./ledger-operations.js").Entry, "seq" | "at" | "account" | "operations" | "digest">
 *   & { newcomers: ReadonlyMap<string, string> }} Ruled
 */

const AUDIENCE = /^[a-z][a-z0-9-]{0,19}$/;
/** @type {readonly string[]} */
const PROFESSIONAL_ADDS = ["professional", "carer", "bot"];

/** The state after an entry whose signature and place in the chain are in order. @param {CircleState | null} state @param {Ruled} entry @returns {CircleState} */
export function follow(state, entry) {
  if (state === null) checkFirst(entry);
  else checkAllowed(state, entry);
  const after = entry.operations.reduce((before, operation) => operate(before, entry, operation), state ?? nothing(entry));
  checkAudiences(after);
  checkOpeners(after, entry);
  checkLeads(after, entry);
  if (state !== null) checkRotations(state, entry);
  const heads = [...(state?.heads ?? []), entry.digest];
  return { ...after, seq: entry.seq, head: entry.digest, at: entry.at, heads };
}

/** @param {Ruled} entry @returns {CircleState} */
function nothing({ digest, at }) {
  return { circle: digest, seq: 0, head: digest, at, closed: false, members: new Map(), audiences: new Map(), heads: [] };
}

/** @param {string} reason @returns {never} */
function refuse(reason) {
  throw new ProtocolError(reason);
}

/** @param {boolean} isAllowed */
function require(isAllowed) {
  if (!isAllowed) refuse("not-allowed");
}

/** Rule 1. @param {Ruled} entry */
function checkFirst({ operations, account, at }) {
  const [created, lead, ...opens] = operations;
  if (created?.op !== "create" || lead?.op !== "member.add") refuse("misplaced-create");
  const isLead = lead.account === account && lead.role === "lead" && lead.since === at && lead.until === null && lead.history === 0;
  if (!isLead || !lead.audiences.includes(TEAM)) refuse("misplaced-create");
  const opened = opens.map((operation) => (operation.op === "epoch.open" && operation.epoch === 1 ? operation.audience : ""));
  const isEach = sortedText(opened) === sortedText(lead.audiences);
  if (!isEach) refuse("misplaced-create");
}

/** @param {readonly string[]} names */
const sortedText = (names) => [...names].sort().join(" ");

/** Rule 2, and what rules 3 to 8 say of the actor. @param {CircleState} state @param {Ruled} entry */
function checkAllowed(state, entry) {
  if (state.closed) refuse("circle-closed");
  if (entry.at < state.at) refuse("time-went-back");
  const actor = requireMember(state, entry.account, entry.at);
  for (const operation of entry.operations) checkActor(state, actor, { operation, entry });
}

/** @param {CircleState} state @param {Member} actor @param {{ operation: Operation, entry: Ruled }} what */
function checkActor(state, actor, { operation, entry }) {
  const [role, isAlone] = [roleOf(actor), entry.operations.length === 1];
  switch (operation.op) {
    case "create": return refuse("misplaced-create");
    case "member.add": return checkMayAdd(state, actor, operation);
    case "member.remove": return operation.account === actor.account ? require(isAlone) : checkMayRemove(state, actor, operation.account);
    case "member.change": return require(role === "lead");
    case "member.readmit": return require(mayReadmit(state, actor, requireMember(state, operation.account, entry.at), entry.at));
    case "epoch.open": return require(role === "lead" || (role !== "bot" && state.audiences.has(operation.audience)));
    case "close": return require(role === "lead" && isAlone);
  }
}

/** Rule 3: by whom, and into which audiences. @param {CircleState} state @param {Member} actor @param {OperationOf<"member.add">} added */
function checkMayAdd(state, actor, added) {
  checkRole(added.role);
  if (roleOf(actor) === "lead") return;
  require(roleOf(actor) === "professional" && PROFESSIONAL_ADDS.includes(added.role));
  require(added.audiences.every((name) => audiencesOf(actor).includes(name) || !state.audiences.has(name)));
}

/** Rule 4: by whom. @param {CircleState} state @param {Member} actor @param {string} account */
function checkMayRemove(state, actor, account) {
  const member = state.members.get(account);
  const isOwn = member === undefined || member.addedBy === actor.account;
  require(roleOf(actor) === "lead" || (roleOf(actor) === "professional" && isOwn));
}

/**
 * Rule 12: by whoever may remove and add such a member; where no lead is left but it, by anybody who reads.
 * @param {CircleState} state @param {Member} actor @param {Member} member @param {number} at
 */
export function mayReadmit(state, actor, member, at) {
  const isOwn = roleOf(actor) === "professional" && member.addedBy === actor.account;
  const mayAdd = roleOf(actor) === "lead" || (isOwn && PROFESSIONAL_ADDS.includes(roleOf(member)));
  return mayAdd || (roleOf(actor) !== "bot" && !isLed([...state.members.values()].filter((other) => other !== member), at));
}

/** @param {string} role @returns {CircleRole} */
function checkRole(role) {
  return ROLES.find((known) => known === role) ?? refuse("bad-role");
}

/** @param {CircleState} state @param {Ruled} entry @param {Operation} operation @returns {CircleState} */
function operate(state, entry, operation) {
  switch (operation.op) {
    case "create": return state;
    case "member.add": return add(state, entry, operation);
    case "member.remove": return remove(state, entry, operation);
    case "member.change": return change(state, entry, operation);
    case "member.readmit": return readmit(state, entry, operation);
    case "epoch.open": return openEpoch(state, entry, operation);
    default: return { ...state, closed: true };
  }
}

/** Rule 3: who, and from when. @param {CircleState} state @param {Ruled} entry @param {OperationOf<"member.add">} added */
function add(state, entry, added) {
  const before = state.members.get(added.account);
  if (isActive(before, entry.at)) refuse("already-a-member");
  if (added.since !== entry.at || added.history > added.since) refuse("bad-period");
  const periods = [...(before?.periods ?? []), period(entry, added)];
  const { account, account_head: accountHead, history } = added;
  return withMember(state, { account, accountHead, addedBy: entry.account, history, periods });
}

/** Rules 4 and 5: of whoever is active, or past its `until` and not yet removed. @param {CircleState} state @param {Ruled} entry @param {OperationOf<"member.remove">} removed */
function remove(state, entry, { account }) {
  const member = state.members.get(account);
  if (!member || lastPeriod(member).removedAt !== null) refuse("not-a-member");
  return withMember(state, { ...member, periods: ended(member, entry) });
}

/** Rule 6. @param {CircleState} state @param {Ruled} entry @param {OperationOf<"member.change">} changed */
function change(state, entry, changed) {
  const member = requireMember(state, changed.account, entry.at);
  return withMember(state, { ...member, periods: [...ended(member, entry), period(entry, changed)] });
}

/** Rule 12: the same place for the same person, and for whomever that person added. @param {CircleState} state @param {Ruled} entry @param {OperationOf<"member.readmit">} readmitted */
function readmit(state, entry, { account, account_head: accountHead }) {
  const old = requireMember(state, account, entry.at);
  const now = entry.newcomers.get(account) ?? refuse("wrong-account");
  const before = state.members.get(now);
  if (isActive(before, entry.at)) refuse("already-a-member");
  const periods = [...(before?.periods ?? []), period(entry, lastPeriod(old))];
  const after = withMember(withMember(state, { ...old, periods: ended(old, entry) }), { ...old, account: now, accountHead, periods });
  const members = [...after.members.values()].map((member) => /** @type {const} */ (
    [member.account, member.addedBy === account ? { ...member, addedBy: now } : member]));
  return { ...after, members: new Map(members) };
}

/** Rule 7: the next epoch, once per audience and entry. @param {CircleState} state @param {Ruled} entry @param {OperationOf<"epoch.open">} opened */
function openEpoch(state, entry, { audience: name, epoch, commitment, inbox_key: inboxKey }) {
  const before = state.audiences.get(name);
  if (!before && !AUDIENCE.test(name)) refuse("bad-audience");
  if (before?.epochs.get(before.epoch)?.seq === entry.seq || epoch !== (before?.epoch ?? 0) + 1) refuse("wrong-epoch");
  const record = { epoch, commitment, inboxKey, openedAt: entry.at, seq: entry.seq };
  const audience = { name, epoch, epochs: new Map(before?.epochs).set(epoch, record) };
  return { ...state, audiences: new Map(state.audiences).set(name, audience) };
}

/** @param {Ruled} entry @param {{ role: string, audiences: readonly string[], until: number | null }} named @returns {Period} */
function period({ at, seq }, { role, audiences, until }) {
  const known = checkRole(role);
  if (until !== null && until <= at) refuse("bad-period");
  if (audiences.length === 0 || new Set(audiences).size !== audiences.length) refuse("bad-audience");
  return { since: at, until, removedAt: null, role: known, audiences: [...audiences], seq, endedSeq: null };
}

/** @param {Member} member @param {Ruled} entry @returns {Period[]} */
function ended(member, { at, seq }) {
  return [...member.periods.slice(0, -1), { ...lastPeriod(member), removedAt: at, endedSeq: seq }];
}

/** @param {CircleState} state @param {Member} member @returns {CircleState} */
const withMember = (state, member) => ({ ...state, members: new Map(state.members).set(member.account, member) });

/** Rule 3: each audience exists or is opened in the same entry; an envelope can name them all. @param {CircleState} after */
function checkAudiences(after) {
  const isKnown = [...after.members.values()].every((member) => audiencesOf(member).every((name) => after.audiences.has(name)));
  if (after.audiences.size > AUDIENCES_MOST || !isKnown) refuse("bad-audience");
}

/** Rule 7: who opens an epoch is a member of its audience, and still is when the entry is done. @param {CircleState} after @param {Ruled} entry */
function checkOpeners(after, { account, at, operations }) {
  const actor = /** @type {Member} */ (after.members.get(account));
  for (const operation of operations) if (operation.op === "epoch.open") require(reads(actor, operation.audience, at));
}

/** Rules 4, 5 and 6: an active lead without `until` remains. @param {CircleState} after @param {Ruled} entry */
function checkLeads(after, { at }) {
  if (!isLed([...after.members.values()], at)) refuse("last-lead");
}

/** @param {readonly Member[]} members @param {number} at */
function isLed(members, at) {
  return members.some((member) => isActive(member, at) && roleOf(member) === "lead" && lastPeriod(member).until === null);
}

/** Rules 3, 4 and 6: whoever loses a key, or comes without history, costs a new epoch. @param {CircleState} before @param {Ruled} entry */
function checkRotations(before, { account, operations }) {
  const opened = new Set(operations.flatMap((operation) => (operation.op === "epoch.open" ? [operation.audience] : [])));
  const owed = operations.flatMap((operation) => owedFor(before, account, operation));
  if (owed.some((audience) => !opened.has(audience))) refuse("rotation-missing");
}

/** The audiences whose epochs an operation must open. @param {CircleState} before @param {string} actor @param {Operation} operation @returns {readonly string[]} */
export function owedFor(before, actor, operation) {
  switch (operation.op) {
    case "member.add": return operation.history === 0 ? [] : operation.audiences;
    case "member.remove": return operation.account === actor ? [] : held(before, operation.account);
    case "member.readmit": return held(before, operation.account);
    case "member.change": {
      const [kept, had] = [operation.role === "bot" ? [] : operation.audiences, held(before, operation.account)];
      const gained = before.members.get(operation.account)?.history ? kept.filter((audience) => !had.includes(audience)) : [];
      return [...had.filter((audience) => !kept.includes(audience)), ...gained];
    }
    default: return [];
  }
}

/** @param {CircleState} before @param {string} account @returns {readonly string[]} */
function held(before, account) {
  const member = before.members.get(account);
  return member && roleOf(member) !== "bot" ? audiencesOf(member) : [];
}
