/** Work in line: at most `width` tasks at a time, in the order they came. */
export class Lane {
  #free;
  /** @type {(() => void)[]} */ #waiting = [];

  /** @param {number} [width] */
  constructor(width = 1) {
    this.#free = width;
  }

  /** @template T @param {() => Promise<T>} task @returns {Promise<T>} */
  async run(task) {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise((resolve) => this.#waiting.push(() => resolve(undefined)));
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }
}

/** Run `task` for each item, a few at a time. @template T, R @param {readonly T[]} items @param {number} width @param {(item: T) => Promise<R>} task @returns {Promise<R[]>} */
export async function each(items, width, task) {
  const lane = new Lane(width);
  return Promise.all(items.map((item) => lane.run(() => task(item))));
}

/** Run a task soon, once however often it is asked for meanwhile; one run at a time. */
export class Soon {
  #task;
  #onError;
  #isAsked = false;
  #isRunning = false;

  /** @param {() => Promise<void>} task @param {(error: unknown) => void} onError */
  constructor(task, onError) {
    this.#task = task;
    this.#onError = onError;
  }

  ask() {
    this.#isAsked = true;
    if (this.#isRunning) return;
    this.#isRunning = true;
    queueMicrotask(() => void this.#run());
  }

  async #run() {
    while (this.#isAsked) {
      this.#isAsked = false;
      try {
        await this.#task();
      } catch (error) {
        this.#onError(error);
      }
    }
    this.#isRunning = false;
  }
}
