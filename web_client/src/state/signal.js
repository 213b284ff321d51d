/**
 * A value that tells its watchers when it changes.
 * @template T
 */
export class Signal {
  /** @type {T} */ #value;
  /** @type {Set<(value: T) => void>} */ #watchers = new Set();

  /** @param {T} value */
  constructor(value) {
    this.#value = value;
  }

  get value() {
    return this.#value;
  }

  set value(value) {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const watcher of this.#watchers) watcher(value);
  }

  /** @param {Partial<T>} changes of an object's properties */
  patch(changes) {
    this.value = { ...this.#value, ...changes };
  }

  /**
   * @param {(value: T) => void} watcher
   * @returns {() => void} stops watching
   */
  watch(watcher) {
    this.#watchers.add(watcher);
    return () => {
      this.#watchers.delete(watcher);
    };
  }
}
