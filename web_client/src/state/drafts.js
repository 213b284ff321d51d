/** What was begun and not posted, files included, encrypted under this device's key. A file is written once, however often the text beside it is. */
import { concat, toHex, randomBytes, utf8 } from "../core/bytes.js";

/** @typedef {import("./types.js").Draft} Draft */
/** @typedef {import("./key-store.js").Protected} Protected */
/** @typedef {import("./database.js").Write} Write */
/** @typedef {{ id: string, said: Protected }} KeptFile its bytes are in the store of blobs */
/** @typedef {{ circle: string, said: Protected, files: KeptFile[] }} Row */

export class Drafts {
  #database;
  #keyStore;
  /** @type {WeakMap<File, KeptFile>} those that are in the database */ #kept = new WeakMap();

  /** @param {{ database: import("./database.js").Database, keyStore: import("./key-store.js").KeyStore }} parts */
  constructor({ database, keyStore }) {
    this.#database = database;
    this.#keyStore = keyStore;
  }

  /** @param {string} circle @param {Draft} draft */
  async save(circle, { files, ...said }) {
    const before = /** @type {Row | undefined} */ (await this.#database.get("drafts", circle));
    const held = new Set(before?.files.map((file) => file.id));
    /** @type {Write[]} */
    const writes = [];
    const rows = [];
    for (const file of files) {
      const known = this.#kept.get(file);
      const isThere = known !== undefined && held.has(known.id);
      const kept = isThere ? known : await this.#protect(file, writes);
      this.#kept.set(file, kept);
      rows.push(kept);
    }
    const stays = new Set(rows.map((row) => row.id));
    const gone = [...held].filter((id) => !stays.has(id)).map((id) => ({ store: /** @type {const} */ ("blobs"), delete: id }));
    const row = { circle, said: await this.#keyStore.protect(utf8(JSON.stringify(said)), `draft ${circle}`), files: rows };
    await this.#database.write([...writes, ...gone, { store: "drafts", put: row }]);
  }

  /** @param {string} circle @returns {Promise<Draft | null>} */
  async load(circle) {
    const row = /** @type {Row | undefined} */ (await this.#database.get("drafts", circle));
    if (!row) return null;
    const said = await this.#read(row.said, `draft ${circle}`);
    const files = await Promise.all(row.files.map((file) => this.#file(file)));
    return { ...said, files: files.flatMap((file) => file ?? []) };
  }

  /** What takes a draft away, for a transaction that writes more. @param {string} circle @returns {Promise<Write[]>} */
  async removal(circle) {
    const row = /** @type {Row | undefined} */ (await this.#database.get("drafts", circle));
    const files = (row?.files ?? []).map(({ id }) => ({ store: /** @type {const} */ ("blobs"), delete: id }));
    return [...files, { store: "drafts", delete: circle }];
  }

  /** @param {File} file @param {Write[]} writes what puts its bytes into the database @returns {Promise<KeptFile>} */
  async #protect(file, writes) {
    const id = `draft ${toHex(randomBytes(16))}`;
    const said = await this.#keyStore.protect(utf8(JSON.stringify({ name: file.name, type: file.type })), `${id} name`);
    const data = await this.#keyStore.protect(new Uint8Array(await file.arrayBuffer()), id);
    writes.push({ store: "blobs", put: { id, data } });
    return { id, said };
  }

  /** @param {KeptFile} kept @returns {Promise<File | null>} */
  async #file(kept) {
    const row = /** @type {{ data: Protected } | undefined} */ (await this.#database.get("blobs", kept.id));
    if (!row) return null; // another tab posted it a moment ago
    const { name, type } = await this.#read(kept.said, `${kept.id} name`);
    const file = new File([concat(await this.#keyStore.unprotect(row.data, kept.id))], name, { type });
    this.#kept.set(file, kept);
    return file;
  }

  /** @param {Protected} kept @param {string} purpose */
  async #read(kept, purpose) {
    return JSON.parse(new TextDecoder().decode(await this.#keyStore.unprotect(kept, purpose)));
  }
}
