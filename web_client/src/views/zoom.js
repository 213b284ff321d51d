const MOST = 8;
const STEP = 60; // pixels an arrow key moves

/** Zoom and pan of a picture in its stage, by pointers, wheel and keys. It moves the picture by its style alone. */
export class Zoom {
  #tell;
  /** @type {HTMLElement | null} */ #stage = null;
  /** @type {HTMLElement | null} */ #picture = null;
  /** @type {Map<number, { x: number, y: number }>} */ #pointers = new Map();
  #scale = 1;
  #x = 0;
  #y = 0;

  /** @param {(scale: number) => void} tell */
  constructor(tell) {
    this.#tell = tell;
  }

  /** @param {HTMLElement | null} stage @param {HTMLElement | null} picture */
  attach(stage, picture) {
    if (picture === this.#picture) return;
    this.#picture = picture;
    this.#stage = stage;
    if (!stage || !picture) return;
    this.reset();
    stage.addEventListener("wheel", this.#wheel, { passive: false });
    stage.addEventListener("pointerdown", this.#down);
    stage.addEventListener("pointermove", this.#move);
    for (const end of ["pointerup", "pointercancel", "pointerleave"]) stage.addEventListener(end, this.#up);
    stage.addEventListener("dblclick", this.#double);
  }

  reset() {
    this.#set(1, 0, 0);
  }

  /** Around the middle, or a point of the stage. @param {number} factor @param {{ x: number, y: number }} [around] */
  by(factor, around = { x: 0, y: 0 }) {
    const scale = Math.min(MOST, Math.max(1, this.#scale * factor));
    const ratio = scale / this.#scale;
    this.#set(scale, around.x - (around.x - this.#x) * ratio, around.y - (around.y - this.#y) * ratio);
  }

  /** @param {string} key @returns {boolean} did it mean something? */
  key(key) {
    if (key === "+" || key === "=") this.by(1.5);
    else if (key === "-") this.by(1 / 1.5);
    else if (key === "0") this.reset();
    else return this.#scale > 1 && this.#arrow(key);
    return true;
  }

  /** @param {string} key */
  #arrow(key) {
    const steps = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] };
    const step = steps[/** @type {keyof typeof steps} */ (key)];
    if (!step) return false;
    this.#set(this.#scale, this.#x + (step[0] ?? 0), this.#y + (step[1] ?? 0));
    return true;
  }

  /** The picture never leaves the stage. @param {number} scale @param {number} x @param {number} y */
  #set(scale, x, y) {
    if (!this.#stage || !this.#picture) return;
    const far = { x: this.#spare("clientWidth", scale), y: this.#spare("clientHeight", scale) };
    this.#scale = scale;
    this.#x = Math.min(far.x, Math.max(-far.x, x));
    this.#y = Math.min(far.y, Math.max(-far.y, y));
    this.#picture.style.transform = `translate(${this.#x}px, ${this.#y}px) scale(${scale})`;
    this.#tell(scale);
  }

  /** How far it may move each way. @param {"clientWidth" | "clientHeight"} side @param {number} scale */
  #spare(side, scale) {
    return Math.max(0, ((this.#picture?.[side] ?? 0) * scale - (this.#stage?.[side] ?? 0)) / 2);
  }

  /** @param {{ clientX: number, clientY: number }} event a point, from the middle of the stage */
  #point({ clientX, clientY }) {
    const box = this.#stage?.getBoundingClientRect() ?? new DOMRect();
    return { x: clientX - box.x - box.width / 2, y: clientY - box.y - box.height / 2 };
  }

  /** @param {WheelEvent} event */
  #wheel = (event) => {
    event.preventDefault();
    this.by(Math.exp(-event.deltaY / 300), this.#point(event));
  };

  /** @param {PointerEvent} event */
  #down = (event) => {
    this.#stage?.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, this.#point(event));
  };

  /** @param {PointerEvent} event */
  #move = (event) => {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const now = this.#point(event);
    const [other] = [...this.#pointers].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
    if (other) this.by(distance(now, other) / Math.max(1, distance(before, other)), middle(now, other));
    else this.#set(this.#scale, this.#x + now.x - before.x, this.#y + now.y - before.y);
    this.#pointers.set(event.pointerId, now);
  };

  /** @param {Event} event */
  #up = (event) => {
    this.#pointers.delete(/** @type {PointerEvent} */ (event).pointerId);
  };

  /** @param {MouseEvent} event */
  #double = (event) => {
    if (this.#scale > 1) this.reset();
    else this.by(2.5, this.#point(event));
  };
}

/** @typedef {{ x: number, y: number }} Point */
/** @param {Point} a @param {Point} b */
const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);
/** @param {Point} a @param {Point} b */
const middle = (a, b) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
