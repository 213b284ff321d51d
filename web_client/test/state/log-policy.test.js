import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { test } from "node:test";
import { keepPolicy, knownWitnesses, trustedPolicy } from "../../src/state/log-policy.js";
import { parseVkey } from "../../src/core/signed-note.js";
import { verify } from "../../src/state/audit.js";

const sha = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();

class Signer {
  keys = generateKeyPairSync("ed25519");

  constructor(name, kind) {
    this.name = name;
    this.kind = kind;
  }

  get public() {
    return Buffer.concat([Buffer.of(this.kind), Buffer.from(this.keys.publicKey.export({ format: "jwk" }).x, "base64url")]);
  }

  get id() {
    return sha(Buffer.from(`${this.name}\n`), this.public).subarray(0, 4);
  }

  get vkey() {
    return `${this.name}+${this.id.toString("hex")}+${this.public.toString("base64")}`;
  }

  line(body) {
    const seconds = Buffer.alloc(8);
    seconds.writeBigUInt64BE(1_772_000_000n);
    const text = this.kind === 4 ? `cosignature/v1\ntime 1772000000\n${body}` : body;
    const signature = sign(null, Buffer.from(text), this.keys.privateKey);
    return `— ${this.name} ${Buffer.concat([this.id, ...(this.kind === 4 ? [seconds] : []), signature]).toString("base64")}\n`;
  }
}

const LOG = new Signer("relais.example/log", 1);
const WITNESSES = ["w1.example", "w2.example", "w3.example"].map((name) => new Signer(name, 4));
const BODY = `${LOG.name}\n0\n${sha().toString("base64")}\n`;
const POLICY = `log ${LOG.vkey}\n${WITNESSES.map((one, n) => `witness w${n} ${one.vkey}\n`).join("")}group most 2 w0 w1 w2\nquorum most\n`;
const bytes = (text) => new Uint8Array(Buffer.from(text));

/** A member of a log without entries, whose checkpoint these witnesses have cosigned. */
function memberOf(cosigners, asked = []) {
  const values = new Map();
  const checkpoint = bytes(`${BODY}\n${[LOG, ...cosigners].map((one) => one.line(BODY)).join("")}`);
  return {
    values, asked, clock: { now: () => 0 }, alarms: { raise: () => assert.fail("no alarm") },
    database: {
      get: async (_store, key) => values.get(key),
      update: async (_store, key, change) => values.set(key, change(values.get(key))),
      write: async (writes) => writes.forEach((one) => (one.delete === undefined ? values.set(one.key, one.put) : values.delete(one.delete))),
    },
    transport: {
      http: { file: async () => bytes(`${LOG.vkey}\n`) },
      call: async (event, request) => {
        asked.push([event, request]);
        return event === "audit.consistency" ? { path: [], checkpoint } : {};
      },
    },
  };
}

test("without a policy the log's key is enough, and no witness is known", async () => {
  const member = memberOf([]);
  assert.equal(await knownWitnesses(member), null);
  const found = await verify(member, [], () => {});
  assert.deepEqual([found.ok, found.witnesses], [true, { signed: [], known: [] }]);
});

test("enough witnesses of a policy verify, and are told by name, of how many", async () => {
  const member = memberOf([WITNESSES[0], WITNESSES[2]]);
  assert.deepEqual(await keepPolicy(member, bytes(POLICY)), WITNESSES.map((one) => one.name));
  assert.deepEqual(await knownWitnesses(member), WITNESSES.map((one) => one.name));
  const found = await verify(member, [], () => {});
  assert.equal(found.ok, true);
  assert.deepEqual(found.witnesses, { signed: ["w1.example", "w3.example"], known: WITNESSES.map((one) => one.name) });
});

test("too few witnesses fail, it is told how many signed, and the server is told that it failed", async () => {
  const member = memberOf([WITNESSES[1]]);
  await keepPolicy(member, bytes(POLICY));
  const found = await verify(member, [], () => {});
  assert.deepEqual([found.ok, found.problems], [false, [{ index: null, reason: "too-few-witnesses" }]]);
  assert.deepEqual(found.witnesses.signed, ["w2.example"]);
  assert.equal(member.asked.at(-1)[1].reason, "too-few-witnesses");
  await keepPolicy(member, null);
  assert.equal((await verify(member, [], () => {})).ok, true, "and without the policy it holds");
});

test("a file that is no policy, or another log's, is declined and changes nothing", async () => {
  const member = memberOf([]);
  await keepPolicy(member, bytes(POLICY));
  const other = new Signer("other.example/log", 1);
  for (const [text, reason] of [["hello\n", "policy-malformed"], [`log ${other.vkey}\nquorum none\n`, "policy-log"]]) {
    await assert.rejects(keepPolicy(member, bytes(text)), { code: "refused-here", reason });
  }
  assert.equal((await knownWitnesses(member))?.length, 3);
  assert.equal((await trustedPolicy(member, await parseVkey(LOG.vkey))).quorum, 2);
});
