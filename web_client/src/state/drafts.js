/** What was begun and not posted, files included, encrypted under this device's key. */
import { concat, utf8 } from "../core/bytes.js";

/** @typedef {import("./types.js").Draft} Draft */
/** @typedef {import("./key-store.js").Protected} Protected */
/** @typedef {{ circle: string, said: Protected, files: { said: Protected, data: Protected }[] }} Row */

export class Drafts {
  #database;
  #keyStore;
  /** @type {WeakMap<File, Promise<{ said: Protected, data: Protected }>>} a file is encrypted once, however often the text beside it is saved */
  #protected = new WeakMap();

  /** @param {{ database: import("./database.js").Database, keyStore: import("./key-store.js").KeyStore }} parts */
  constructor({ database, keyStore }) {
    this.#database = database;
    this.#keyStore = keyStore;
  }

  /** @param {string} circle @param {Draft} draft */
  async save(circle, { files, ...said }) {
    const row = {
      circle, said: await this.#keyStore.protect(utf8(JSON.stringify(said)), `draft ${circle}`),
      files: await Promise.all(files.map((file) => this.#protectFile(file))),
    };
    await this.#database.write([{ store: "drafts", put: row }]);
  }

  /** @param {string} circle @returns {Promise<Draft | null>} */
  async load(circle) {
    const row = /** @type {Row | undefined} */ (await this.#database.get("drafts", circle));
    if (!row) return null;
    const said = await this.#read(row.said, `draft ${circle}`);
    return { ...said, files: await Promise.all(row.files.map((file) => this.#file(file))) };
  }

  /** What takes a draft away, for a transaction that writes more. @param {string} circle */
  removal(circle) {
    return /** @type {const} */ ({ store: "drafts", delete: circle });
  }

  /** @param {File} file */
  #protectFile(file) {
    let kept = this.#protected.get(file);
    if (!kept) {
      kept = this.#protectNew(file);
      this.#protected.set(file, kept);
    }
    return kept;
  }

  /** @param {File} file */
  async #protectNew(file) {
    const said = await this.#keyStore.protect(utf8(JSON.stringify({ name: file.name, type: file.type })), "draft file");
    return { said, data: await this.#keyStore.protect(new Uint8Array(await file.arrayBuffer()), "draft file data") };
  }

  /** @param {{ said: Protected, data: Protected }} kept */
  async #file(kept) {
    const { name, type } = await this.#read(kept.said, "draft file");
    const file = new File([concat(await this.#keyStore.unprotect(kept.data, "draft file data"))], name, { type });
    this.#protected.set(file, Promise.resolve(kept));
    return file;
  }

  /** @param {Protected} kept @param {string} purpose */
  async #read(kept, purpose) {
    return JSON.parse(new TextDecoder().decode(await this.#keyStore.unprotect(kept, purpose)));
  }
}
