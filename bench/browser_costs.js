/** What keys, notes and attachments cost a member in a browser: the code of core/, in a real page. Bundled and run by bench/browser.py. */
import * as account from "../web_client/src/core/account.js";
import { randomBytes, uuid7 } from "../web_client/src/core/bytes.js";
import { deviceOf, keysFromRandom } from "../web_client/src/core/device.js";
import * as envelope from "../web_client/src/core/envelope.js";
import { keyName, openOperation } from "../web_client/src/core/epoch.js";
import * as grant from "../web_client/src/core/grant.js";
import * as ledger from "../web_client/src/core/ledger.js";
import { checkCouldPost } from "../web_client/src/core/posting.js";
import * as stream from "../web_client/src/core/stream.js";

const REPEATS = 5;
const ADDED_AT_ONCE = 90;
const PROFILE = {
  type: "PROFILE", text: "Bench", attachments: [], reply_to: null, broadcast: null,
  form: { schema: "relais/patient/1", data: { name: "B", sex: "U", born: "1950-01-01", place: "B" } },
};

async function person() {
  const keys = await keysFromRandom(randomBytes(64));
  const device = deviceOf(keys, "interactive", "bench");
  const profile = { name: "B", profession: "nurse", organisation: "bench" };
  return { keys, state: await account.replay([await account.create(keys, { device, profile, at: Date.now() })]) };
}

/** A lead with the circle in hand: the steps state/membership.js takes for one entry, up to the request. */
class Desk {
  state = null;
  keys = new Map();

  constructor(members) {
    this.lead = members[0];
    this.accounts = new Map(members.map((one) => [one.state.account, one.state]));
  }

  get next() {
    return Math.max(Date.now(), (this.state?.at ?? 0) + 1);
  }

  adding({ state }, role = "professional") {
    return { op: "member.add", account: state.account, account_head: state.head, role, audiences: ["team"], since: this.next, until: null, history: 0 };
  }

  async write(operations, { rotates, at = this.next }) {
    const all = [...operations.map((one) => ("since" in one ? { ...one, since: at } : one))];
    if (rotates) {
      const epoch = (this.state?.audiences.get("team")?.epoch ?? 0) + 1;
      const key = randomBytes(32);
      this.keys.set(keyName("team", epoch), key);
      all.push(await openOperation("team", epoch, key));
    }
    const { account: owner, head } = this.lead.state;
    const before = new Set(this.state ? ledger.entitled(this.state, this.accounts, at).map(nameOf) : []);
    const entry = await ledger.writeEntry(this.state, this.lead.keys, { account: owner, accountHead: head, at, operations: all });
    this.state = await ledger.apply(this.state, entry, this.lead.state);
    const wanted = ledger.entitled(this.state, this.accounts, at).filter((one) => !before.has(nameOf(one)));
    const grants = await this.#grants(wanted, at);
    return [entry, ...grants, ...(rotates ? [await this.seal(PROFILE, "profile", at)] : [])];
  }

  #grants(wanted, at) {
    const rows = Map.groupBy(wanted, ({ device }) => device);
    return Promise.all([...rows].map(([device, held]) => {
      const owner = held[0].account;
      const epochs = held.map(({ audience, epoch }) => ({ audience, epoch, key: this.keys.get(keyName(audience, epoch)) }));
      return grant.seal(this.lead.keys, this.accounts.get(owner).devices.get(device).device,
        { circle: this.state.circle, account: owner, granter: this.lead.state.account, epochs, at });
    }));
  }

  seal(said, kind, at) {
    const { epoch } = this.state.audiences.get("team");
    const draft = {
      circle: this.state.circle, note: uuid7(at), version: 1, replaces: null, kind, account: this.lead.state.account, at,
      ledger_seq: this.state.seq, ledger_head: this.state.head, urgent: false, acknowledge: false, mentions: [],
    };
    const to = [{ audience: "team", epoch, key: this.keys.get(keyName("team", epoch)) }];
    return envelope.seal(this.lead.keys, draft, said, { to, entropy: randomBytes(envelope.ENTROPY_SIZE) });
  }
}

const nameOf = ({ device, audience, epoch }) => `${device} ${audience} ${epoch}`;

async function created(members) {
  const desk = new Desk(members);
  await desk.write([{ op: "create", nonce: randomBytes(16) }, desk.adding(members[0], "lead")], { rotates: true });
  for (let start = 1; start < members.length; start += ADDED_AT_ONCE) {
    await desk.write(members.slice(start, start + ADDED_AT_ONCE).map((one) => desk.adding(one)), { rotates: false });
  }
  return desk;
}

async function timed(times, action) {
  const started = performance.now();
  const result = await action();
  times.push(performance.now() - started);
  return result;
}

const median = (times) => times.toSorted((one, other) => one - other)[times.length >> 1];
const rounded = (value, digits = 1) => Number(value.toFixed(digits));

export async function keysOf(devices) {
  const found = { create: [], add: [], remove: [], rotate: [] };
  const members = await Promise.all(Array.from({ length: devices + 1 }, person));
  const extra = members.pop();
  for (let run = 0; run < REPEATS; run++) {
    const desk = await timed(found.create, () => created(members));
    desk.accounts.set(extra.state.account, extra.state);
    await timed(found.rotate, () => desk.write([], { rotates: true }));
    await timed(found.add, () => desk.write([desk.adding(extra)], { rotates: false }));
    await timed(found.remove, () => desk.write([{ op: "member.remove", account: extra.state.account }], { rotates: true }));
  }
  return Object.fromEntries(Object.entries(found).map(([name, times]) => [`${name}_ms`, rounded(median(times))]));
}

export async function history(count) {
  const members = [await person(), await person()];
  const desk = await created(members);
  const said = { type: "OBS", text: "x".repeat(840), form: null, attachments: [], reply_to: null, broadcast: null };
  const sealed = await Promise.all(Array.from({ length: count }, () => desk.seal(said, "post", desk.state.at)));
  const times = [];
  for (let run = 0; run < REPEATS; run++) {
    await timed(times, () => Promise.all(sealed.map(async (data) => {
      const peeked = await envelope.peek(data);
      await envelope.verify(peeked, desk.lead.state);
      checkCouldPost(desk.state, peeked.header);
      return envelope.openEnvelope(peeked, desk.keys);
    })));
  }
  return { notes: count, all_ms: rounded(median(times)) };
}

export async function attachment(bytes) {
  const data = new Uint8Array(bytes);
  for (let start = 0; start < bytes; start += 65_536) crypto.getRandomValues(data.subarray(start, Math.min(bytes, start + 65_536)));
  const key = randomBytes(32);
  const sealed = await stream.sealBytes(key, data);
  const cipher = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  const [bare, seal, open] = [[], [], []];
  for (let run = 0; run < REPEATS * 2; run++) {
    await timed(bare, () => crypto.subtle.encrypt({ name: "AES-GCM", iv: randomBytes(12) }, cipher, data));
    await timed(seal, () => stream.sealBytes(key, data));
    await timed(open, () => stream.openBytes(key, sealed, { size: bytes }));
  }
  const [one, two, three] = [bare, seal, open].map(median);
  return {
    bytes, bare_aes_gcm_ms: rounded(one), seal_ms: rounded(two), open_ms: rounded(three),
    seal_speed_to_bare: rounded(one / two, 2), open_speed_to_bare: rounded(one / three, 2),
  };
}
