import { html, svg } from "lit";

// Drawn for this application on a 24 × 24 grid, as strokes of two units.
const SHAPES = {
  add: svg`<path d="M12 5v14M5 12h14"/>`,
  alert: svg`<path d="M12 4 2.8 19.5h18.4z"/><path d="M12 10v4.5M12 17v.1"/>`,
  attach: svg`<path d="m20 11.5-8 8a5 5 0 0 1-7.1-7.1l8.3-8.3a3.3 3.3 0 0 1 4.7 4.7l-8.1 8.1a1.7 1.7 0 0 1-2.4-2.4l7.4-7.3"/>`,
  audit: svg`<path d="M12 3 5 6v5.5c0 4.4 2.9 7.8 7 9.5 4.1-1.7 7-5.1 7-9.5V6z"/><path d="m9 12 2.2 2.2L15.2 10"/>`,
  back: svg`<path d="M15 5l-7 7 7 7"/>`,
  bell: svg`<path d="M6 16V11a6 6 0 0 1 12 0v5l1.5 2h-15z"/><path d="M10 20.5h4"/>`,
  broadcast: svg`<path d="M4 10v4l3.5.5L15 19V5L7.5 9.5z"/><path d="M18.5 9a4 4 0 0 1 0 6M8 14.5l1 5.5h2l-.6-4.2"/>`,
  camera: svg`<path d="M4 8h3.5L9 5.5h6L16.5 8H20v11H4z"/><circle cx="12" cy="13.2" r="3.3"/>`,
  check: svg`<path d="m5 12.5 4.5 4.5L19 7.5"/>`,
  checks: svg`<path d="m2.5 12.5 4.5 4.5L16 8M12 15.5l1.5 1.5L22 8.5"/>`,
  chevron: svg`<path d="m9 5 7 7-7 7"/>`,
  circles: svg`<path d="M19 9.5a7.5 7.5 0 1 0 0 5"/><path d="M12 12h8"/><circle cx="12" cy="12" r="1.6"/>`,
  clock: svg`<circle cx="12" cy="12" r="8.5"/><path d="M12 7v5l3.3 2"/>`,
  close: svg`<path d="M6 6l12 12M18 6 6 18"/>`,
  copy: svg`<rect x="9" y="9" width="11" height="11" rx="2"/><path d="M15 5.5V4H4v11h1.5"/>`,
  device: svg`<rect x="7" y="3" width="10" height="18" rx="2.2"/><path d="M11 17.8h2"/>`,
  down: svg`<path d="M12 5v14M6 13l6 6 6-6"/>`,
  download: svg`<path d="M12 4v11M7 10.5l5 5 5-5M5 20h14"/>`,
  edit: svg`<path d="m4.5 15.5-.8 4.8 4.8-.8L19.8 8.2l-4-4z"/><path d="m13.5 6.5 4 4"/>`,
  eye: svg`<path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z"/><circle cx="12" cy="12" r="2.8"/>`,
  file: svg`<path d="M6 3h8l4.5 4.5V21H6z"/><path d="M13.5 3.5V8h4.5M9 13h6M9 16.5h6"/>`,
  filter: svg`<path d="M4 6h16M7 12h10M10 18h4"/>`,
  history: svg`<path d="M4 12a8 8 0 1 0 2.5-5.8L4 8.5"/><path d="M4 4v4.5h4.5M12 8v4.5l3 1.8"/>`,
  key: svg`<circle cx="8" cy="15" r="4.2"/><path d="m11 12 8.5-8.5M15.5 7.5l3 3M18 5l2 2"/>`,
  laptop: svg`<rect x="5" y="5" width="14" height="10" rx="1.5"/><path d="M2.5 19h19"/>`,
  lock: svg`<rect x="5" y="10.5" width="14" height="10" rx="2"/><path d="M8 10.5V8a4 4 0 0 1 8 0v2.5"/>`,
  minus: svg`<path d="M5 12h14"/>`,
  more: svg`<path d="M5.5 12h.1M12 12h.1M18.5 12h.1" stroke-width="3"/>`,
  offline: svg`<path d="M3 3l18 18M5 10.5a11 11 0 0 1 4-2.4M19 10.5a11 11 0 0 0-6-3M8.3 14a6 6 0 0 1 3.2-1.5M15.7 14l-.7-.6M12 18v.1"/>`,
  open: svg`<path d="M10 5H5v14h14v-5M13.5 4.5h6v6M19 5l-8 8"/>`,
  people: svg`<circle cx="9" cy="8.5" r="3.5"/><path d="M2.5 20c.5-4 3-6 6.5-6s6 2 6.5 6M15.5 5.3a3.5 3.5 0 0 1 0 6.4M17.5 14.5c2.3.7 3.6 2.5 4 5.5"/>`,
  person: svg`<circle cx="12" cy="8" r="4"/><path d="M4.5 20.5c.7-4.5 3.5-6.5 7.5-6.5s6.8 2 7.5 6.5"/>`,
  print: svg`<path d="M7 9V3.5h10V9M7 17H4V9h16v8h-3"/><path d="M7 14h10v6.5H7z"/>`,
  qr: svg`<path d="M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2.5v2.5M20 14v3M14 20h2.5M20 20v-.1"/>`,
  reply: svg`<path d="M10 6 4 12l6 6M4.5 12H14c3.5 0 5.5 1.8 6 6"/>`,
  search: svg`<circle cx="10.5" cy="10.5" r="6.5"/><path d="m15.5 15.5 5 5"/>`,
  send: svg`<path d="M4 12 3.5 4.5 21 12 3.5 19.5z"/><path d="M4 12h8"/>`,
  settings: svg`<path d="M4 7h9M17 7h3M4 17h3M11 17h9"/><circle cx="15" cy="7" r="2"/><circle cx="9" cy="17" r="2"/>`,
  undo: svg`<path d="M8 5 4 9l4 4"/><path d="M4.5 9H14a5.5 5.5 0 0 1 0 11H8"/>`,
  urgent: svg`<circle cx="12" cy="12" r="9"/><path d="M12 7v6M12 16.5v.1"/>`,
  withdraw: svg`<path d="M5 7h14M9.5 7V4.5h5V7M7 7l.8 13h8.4L17 7M10.5 11v5.5M13.5 11v5.5"/>`,
};

/** @typedef {keyof typeof SHAPES} IconName */

/** A picture beside words: it is never the only thing that says something. @param {IconName} name */
export const icon = (name) => html`
  <svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">${SHAPES[name]}</svg>`;
