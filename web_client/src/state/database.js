/** IndexedDB as promises: one database, its stores declared once, one transaction a call. */

/** @typedef {IDBValidKey | IDBKeyRange} Query */
/** @typedef {{ store: StoreName, put?: unknown, key?: IDBValidKey, delete?: Query }} Write `put` a value (under `key` where the store has no key path), or `delete` */
/** @typedef {keyof typeof STORES} StoreName */

const VERSION = 1;

/** Every store, and the path of its keys (null: given with each value). */
const STORES = {
  values: null,
  epochs: ["circle", "audience", "epoch"],
  accounts: "account",
  circles: "circle",
  notes: ["circle", "seq"],
  receipts: ["circle", "number"],
  promises: ["circle", "note", "version", "kind"],
  outbox: ["note", "version"],
  blobs: "id",
  drafts: "circle",
  broadcasts: "broadcast",
};

export class Database {
  #opened;
  #isOver = false;
  /** Called when the browser took the database away, or another tab has a newer version of the client. */
  onGone = () => {};

  /** @param {IDBDatabase} opened */
  constructor(opened) {
    this.#opened = opened;
    opened.addEventListener("versionchange", () => this.#gone());
    opened.addEventListener("close", () => this.#gone());
  }

  /** @param {IDBFactory} factory @param {string} name @returns {Promise<Database>} */
  static async open(factory, name) {
    const request = factory.open(name, VERSION);
    request.addEventListener("upgradeneeded", () => {
      for (const [store, keyPath] of Object.entries(STORES)) request.result.createObjectStore(store, keyPath === null ? {} : { keyPath });
    });
    return new Database(await settled(request));
  }

  /** @param {StoreName} store @param {IDBValidKey} key @returns {Promise<any>} undefined where there is none */
  async get(store, key) {
    return settled(this.#begin([store]).objectStore(store).get(key));
  }

  /** In the order of their keys. @param {StoreName} store @param {Query | null} [query] @returns {Promise<any[]>} */
  async all(store, query = null) {
    return settled(this.#begin([store]).objectStore(store).getAll(query));
  }

  /** The keys alone, in order. @param {StoreName} store @param {IDBKeyRange} range @returns {Promise<IDBValidKey[]>} */
  async keys(store, range) {
    return settled(this.#begin([store]).objectStore(store).getAllKeys(range));
  }

  /** The last `count` values, in the order of their keys. @param {StoreName} store @param {IDBKeyRange} range @param {number} count @returns {Promise<any[]>} */
  async last(store, range, count) {
    const cursor = this.#begin([store]).objectStore(store).openCursor(range, "prev");
    /** @type {any[]} */
    const found = [];
    return new Promise((resolve, reject) => {
      cursor.addEventListener("error", () => reject(failed(cursor)));
      cursor.addEventListener("success", () => {
        const at = cursor.result;
        if (at && found.length < count) {
          found.unshift(at.value);
          at.continue();
        } else resolve(found);
      });
    });
  }

  /** All of it or nothing, durably. @param {readonly Write[]} writes */
  async write(writes) {
    if (writes.length === 0) return;
    const names = new Set(writes.map((write) => write.store));
    const transaction = this.#begin([...names], "readwrite");
    const committed = completed(transaction);
    try {
      for (const { store, put, key, delete: gone } of writes) {
        if (gone !== undefined) transaction.objectStore(store).delete(gone);
        else transaction.objectStore(store).put(put, key);
      }
    } catch (error) {
      transaction.abort(); // else what was put before is committed
      await Promise.allSettled([committed]);
      throw error;
    }
    await committed;
  }

  /**
   * Replace a value by what `change` makes of it, with nobody in between; undefined leaves it as it is.
   * @param {StoreName} store @param {IDBValidKey} key @param {(before: any) => any} change
   */
  async update(store, key, change) {
    const transaction = this.#begin([store], "readwrite");
    const committed = completed(transaction);
    const stored = transaction.objectStore(store);
    const request = stored.get(key);
    request.addEventListener("success", () => {
      const after = change(request.result);
      if (after !== undefined) stored.put(after, ...(STORES[store] === null ? [key] : []));
    });
    await committed;
  }

  /** Forget everything and write this, in one step. @param {readonly Write[]} writes */
  async startAnew(writes) {
    const names = /** @type {StoreName[]} */ (Object.keys(STORES));
    const transaction = this.#begin(names, "readwrite");
    const committed = completed(transaction);
    for (const name of names) transaction.objectStore(name).clear();
    for (const { store, put, key } of writes) transaction.objectStore(store).put(put, key);
    await committed;
  }

  /** Forget everything, and keep nothing until `renew`: what was under way in the session that ended must not come back. */
  async erase() {
    const names = /** @type {StoreName[]} */ (Object.keys(STORES));
    const transaction = this.#begin(names, "readwrite");
    const committed = completed(transaction);
    for (const name of names) transaction.objectStore(name).clear();
    this.#isOver = true;
    await committed;
  }

  /** Somebody comes in anew. */
  renew() {
    this.#isOver = false;
  }

  close() {
    this.#isOver = true;
    this.#opened.close();
  }

  #gone() {
    if (this.#isOver) return;
    this.close();
    this.onGone();
  }

  /** Throws AbortError once the session it served is over. @param {StoreName[]} names @param {IDBTransactionMode} [mode] */
  #begin(names, mode = "readonly") {
    if (this.#isOver) throw new DOMException("the session is over", "AbortError");
    return this.#opened.transaction(names, mode, mode === "readonly" ? {} : { durability: "strict" });
  }
}

/** Keys that begin with these parts. @param {...IDBValidKey} parts */
export const beginningWith = (...parts) => IDBKeyRange.bound(parts, [...parts, []]);

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function settled(request) {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(failed(request)));
    if ("onblocked" in request) request.addEventListener("blocked", () => reject(new Error("the database is held by another tab")));
  });
}

/** @param {IDBTransaction} transaction @returns {Promise<void>} */
function completed(transaction) {
  return new Promise((resolve, reject) => {
    transaction.addEventListener("complete", () => resolve());
    transaction.addEventListener("abort", () => reject(transaction.error ?? new DOMException("aborted", "AbortError")));
  });
}

/** @param {IDBRequest} request */
const failed = (request) => request.error ?? new Error("the database failed");
