/** @import { ReactiveController, ReactiveControllerHost } from "lit" */

const DWELL = 700; // milliseconds on the screen before we call it read

/**
 * Notices which elements were on the screen long enough to be read, while the page itself could be seen.
 * @implements {ReactiveController}
 */
export class Reading {
  #host;
  #root;
  #onRead;
  /** @type {Map<Element, string>} */ #watched = new Map();
  /** @type {Set<Element>} */ #seen = new Set();
  /** @type {IntersectionObserver | null} */ #observer = null;
  #timer = 0;

  /**
   * @param {ReactiveControllerHost} host
   * @param {() => Element | null} root  what scrolls
   * @param {(ids: string[]) => void} onRead
   */
  constructor(host, root, onRead) {
    this.#host = host;
    this.#root = root;
    this.#onRead = onRead;
    this.#host.addController(this);
  }

  hostConnected() {
    document.addEventListener("visibilitychange", this.#wait);
  }

  hostDisconnected() {
    document.removeEventListener("visibilitychange", this.#wait);
    clearTimeout(this.#timer);
    this.#observer?.disconnect();
    this.#observer = null;
    this.#watched.clear();
    this.#seen.clear();
  }

  /** Watch exactly these. @param {Map<Element, string>} elements with what they stand for */
  watch(elements) {
    this.#observer ??= new IntersectionObserver(this.#changed, { root: this.#root(), threshold: [0, 0.3, 0.6, 1] });
    for (const element of this.#watched.keys()) {
      if (!elements.has(element)) this.#drop(element);
    }
    for (const element of elements.keys()) {
      if (!this.#watched.has(element)) this.#observer.observe(element);
    }
    this.#watched = elements;
  }

  /** @param {Element} element */
  #drop(element) {
    this.#observer?.unobserve(element);
    this.#seen.delete(element);
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #changed = (entries) => {
    for (const entry of entries) {
      const tall = entry.intersectionRect.height >= 0.5 * (entry.rootBounds?.height ?? Infinity);
      if (entry.intersectionRatio >= 0.6 || tall) this.#seen.add(entry.target);
      else this.#seen.delete(entry.target);
    }
    this.#wait();
  };

  #wait = () => {
    clearTimeout(this.#timer);
    if (this.#seen.size === 0 || document.visibilityState !== "visible") return;
    this.#timer = globalThis.setTimeout(this.#read, DWELL);
  };

  #read = () => {
    const ids = [...this.#seen].map((element) => this.#watched.get(element) ?? "").filter(Boolean);
    for (const element of this.#seen) this.#observer?.unobserve(element);
    this.#seen.clear();
    if (ids.length > 0) this.#onRead(ids);
  };
}
