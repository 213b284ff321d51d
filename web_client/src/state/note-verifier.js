/** Versions of notes as they come from the server: checked as any reader must, before anything is shown (docs/protocol.md §6). */
import { digest } from "../core/cose.js";
import { checkFollows, peek, verify } from "../core/envelope.js";
import { ProtocolError } from "../core/errors.js";
import { checkCouldPost } from "../core/posting.js";
import { checkReplaced } from "./note-order.js";

/** @typedef {import("../core/bytes.js").Bytes} Bytes */
/** @typedef {import("../core/envelope.js").Envelope} Envelope */
/** @typedef {import("../core/content.js").Content} Content */
/** @typedef {import("../core/wire.d.ts").StoredNote} StoredNote */
/** @typedef {import("./member.js").Member} Member */
/**
 * One version. `content` is null until it is opened, and while its key is on its way (`isLocked`); `damaged` is the reason
 * it was refused for. Of what cannot even be read, `envelope` is null.
 * @typedef {{ note: string, version: number, seq: number, at: number, raw: Bytes, envelope: Envelope | null,
 *   content: Content | null, isLocked: boolean, damaged: string | null }} Version
 */
/** @typedef {{ circle: string, seq: number, at: number, raw: Bytes, damaged: string | null }} Row */

export class NoteVerifier {
  #member;
  #keeper;
  #knownOf;
  #order;
  /** @type {Promise<void> | null} */ #catchingUp = null;

  /**
   * @param {Member} member @param {import("./circle-keeper.js").CircleKeeper} keeper
   * @param {{ knownOf: (note: string) => readonly Version[], order: import("./note-order.js").NoteOrder }} parts `knownOf`: the versions of a note that are at hand
   */
  constructor(member, keeper, { knownOf, order }) {
    this.#member = member;
    this.#keeper = keeper;
    this.#knownOf = knownOf;
    this.#order = order;
  }

  /**
   * In order; what does not hold is kept and shown as damaged. What each says by itself is checked for many at once, for
   * most of that is waiting; what it follows, one after the other. Throws ProtocolError `wrong-order`, of this page and what was
   * read before it. @param {readonly StoredNote[]} notes @returns {Promise<Version[]>}
   */
  async all(notes) {
    /** @type {Version[]} */
    const verified = [];
    const checked = await Promise.all(notes.map((stored) => this.#checked(stored)));
    checkReplaced([...[...new Set(checked.map(({ note }) => note))].flatMap((note) => this.#knownOf(note)), ...checked]);
    for (const version of checked) {
      verified.push(await this.#followed(version, (envelope) => this.#previous(envelope, verified)));
    }
    return verified;
  }

  /** Check a version as any reader must, but for those before it. @param {StoredNote} stored @returns {Promise<Version>} */
  async #checked({ seq, at, envelope: raw }) {
    /** @type {Envelope | null} */
    let envelope = null;
    try {
      envelope = await peek(raw);
      await this.#check(envelope);
      return { ...placeOf(envelope, seq), seq, at, raw, envelope, content: null, isLocked: false, damaged: null };
    } catch (error) {
      return { ...placeOf(envelope, seq), seq, at, raw, envelope, content: null, isLocked: false, damaged: reasonOf(error) };
    }
  }

  /** Check that it comes after those before it; what does not hold is reported. @param {Version} version @param {(envelope: Envelope) => Promise<readonly Version[]>} previousOf @returns {Promise<Version>} */
  async #followed(version, previousOf) {
    const damaged = version.damaged ?? (await this.#faultOf(version, previousOf));
    if (damaged === null) return version;
    const { seq, raw } = version;
    if (damaged !== "fork" && damaged !== "rollback") this.#member.alarms.raise("forged-note", this.#keeper.circle, null, { of: await digest(raw), seq });
    return { ...version, damaged };
  }

  /** Why it does not come after those before it; null: it does. @param {Version} version @param {(envelope: Envelope) => Promise<readonly Version[]>} previousOf */
  async #faultOf(version, previousOf) {
    const { envelope } = version;
    if (!envelope) return null;
    try {
      const previous = envelope.header.version > 1 ? await previousOf(envelope) : [];
      this.#checkFollows(envelope, previous.flatMap((one) => one.envelope ?? []));
      checkReplaced([...previous, version]);
      return null;
    } catch (error) {
      if (error instanceof ProtocolError && error.reason === "wrong-order") throw error; // of the whole answer
      return reasonOf(error);
    }
  }

  /** Whoever has not all of the history may meet a note in a later version, and is not given those before. @param {Envelope} envelope @param {readonly Envelope[]} previous */
  #checkFollows(envelope, previous) {
    const isWhole = (this.#keeper.self?.history ?? 0) === 0;
    if (isWhole && previous.length !== envelope.header.version - 1) throw new ProtocolError("wrong-version");
    if (isWhole || previous.length > 0) checkFollows(envelope, previous);
  }

  /** @param {Envelope} envelope */
  async #check(envelope) {
    const { header } = envelope;
    if (header.circle !== this.#keeper.circle || header.kind === "profile") throw new ProtocolError("wrong-circle");
    if (header.ledger_seq > (this.#keeper.state?.seq ?? -1)) await this.#catchUp();
    if (!this.#keeper.known.members.has(header.account)) throw new ProtocolError("not-a-member");
    await this.#checkAuthor(envelope);
    try {
      checkCouldPost(this.#keeper.known, header);
    } catch (error) {
      if (error instanceof ProtocolError && (error.reason === "fork" || error.reason === "rollback")) await this.#keeper.contradict(error.reason, { of: header.ledger_head, seq: header.ledger_seq });
      throw error;
    }
  }

  /** Fetch the ledger, once for all that are ahead of it together. */
  #catchUp() {
    this.#catchingUp ??= this.#keeper.refresh({ isForced: true }).finally(() => (this.#catchingUp = null));
    return this.#catchingUp;
  }

  /** @param {Envelope} envelope */
  async #checkAuthor(envelope) {
    const { account } = envelope.header;
    const { accounts } = this.#member;
    try {
      await verify(envelope, /** @type {import("../core/account.js").AccountState} */ ((await accounts.get([account])).get(account)));
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.reason !== "not-a-device") throw error;
      await verify(envelope, /** @type {import("../core/account.js").AccountState} */ ((await accounts.get([account], { isFresh: true })).get(account)));
    }
  }

  /** @param {Envelope} envelope @param {readonly Version[]} besides verified with it @returns {Promise<readonly Version[]>} */
  async #previous({ header }, besides) {
    const known = [...this.#knownOf(header.note), ...besides.filter((version) => version.note === header.note)]
      .filter((version) => version.version < header.version && version.damaged === null);
    if (known.length === header.version - 1) return known;
    const all = await this.history(header.note);
    return all.filter((version) => version.version < header.version && version.damaged === null);
  }

  /**
   * All versions of one note that the server gives; where it says they stand is what the pages of this run must say too.
   * Throws ProtocolError `wrong-order`. @param {string} note @returns {Promise<Version[]>}
   */
  async history(note) {
    const { notes, others, last_seq: lastSeq } = await this.#member.transport.call("note.get", { circle: this.#keeper.circle, note });
    const checked = await Promise.all(inOrder(notes).map((stored) => this.#checked(stored)));
    checkReplaced(checked);
    /** @type {Version[]} */
    const versions = [];
    for (const version of checked) versions.push(await this.#followed(version, async () => versions.filter((one) => one.damaged === null)));
    await this.#order.met(versions, { others, lastSeq });
    return versions;
  }
}

/** The word for what does not hold; anything else is a fault of ours. @param {unknown} error */
function reasonOf(error) {
  if (error instanceof ProtocolError) return error.reason;
  throw error;
}

/** What was kept. @param {Row} row checked when it came @returns {Promise<Version>} */
export async function versionOf({ seq, at, raw, damaged }) {
  try {
    const envelope = await peek(raw);
    return { ...placeOf(envelope, seq), seq, at, raw, envelope, content: null, isLocked: false, damaged };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { ...placeOf(null, seq), seq, at, raw, envelope: null, content: null, isLocked: false, damaged: error.reason };
  }
}

/** @param {Envelope | null} envelope @param {number} seq */
const placeOf = (envelope, seq) => ({ note: envelope?.header.note ?? `unreadable ${seq}`, version: envelope?.header.version ?? 1 });

/** @param {readonly StoredNote[]} notes */
const inOrder = (notes) => [...notes].sort((one, other) => one.seq - other.seq);
