/** What the views see of this device's keys and their keeping, of the kit's rehearsal and of safety numbers: see types.js. */

/** @template T @typedef {import("./types.js").Readable<T>} Readable */

/**
 * @typedef {object} LockState
 * @property {boolean} isSet  What this device keeps opens with a passkey or a code only.
 * @property {boolean} hasCode
 * @property {boolean} hasPasskey
 * @property {boolean} canPasskey  May this browser have one at this address?
 * @property {number} minutes  Without anybody doing anything, then it locks.
 * @property {number} triesLeft  Of the code.
 * @property {boolean} isExhausted  The code was wrong too often: it opens nothing any more.
 */

/**
 * @typedef {object} Lock
 * @property {Readable<LockState>} state
 * @property {(code: string) => Promise<void>} setCode  6 to 12 digits.
 * @property {(name: string) => Promise<void>} setPasskey
 * @property {(minutes: number) => Promise<void>} setMinutes
 * @property {() => Promise<void>} remove
 * @property {() => Promise<void>} decline  It is not offered again.
 * @property {() => void} lockNow
 * @property {(code: string) => Promise<void>} unlockWithCode  Then the session is `ready`.
 * @property {() => Promise<void>} unlockWithPasskey  Then the session is `ready`.
 */

/**
 * @typedef {object} Keeping  Whether the browser promised not to throw away what is kept here.
 * @property {Readable<"kept" | "not-kept" | "unknown">} state
 * @property {() => Promise<void>} ask
 */

/** What somebody is asked once in a while. @typedef {"kit-check" | "lock"} Reminder */

/**
 * @typedef {object} KitCheck
 * @property {Readable<boolean>} isPossible  Was the kit in force made on this device, so that it can tell its third word?
 * @property {(word: string) => Promise<boolean>} check  Was it the kit's third word?
 * @property {() => Promise<void>} postpone  Until tomorrow.
 */

/** @typedef {"verified" | "changed"} Mark  `changed`: a device came or went since the number was compared. */

/**
 * @typedef {object} Safety
 * @property {string} name
 * @property {string} profession
 * @property {string} organisation
 * @property {readonly string[]} groups  Twelve, of five digits.
 * @property {string} qr
 */

/**
 * @typedef {object} People
 * @property {Readable<ReadonlyMap<string, { mark: Mark, at: number }>>} marks  By account: whose number was compared on this device, and when.
 * @property {() => Promise<void>} refresh
 * @property {(account: string) => Promise<Safety>} safety
 * @property {(account: string, text: string) => Promise<boolean>} compare  With what was scanned or typed; the same: they are verified.
 * @property {(account: string) => Promise<void>} confirm  It was compared by eye.
 * @property {(account: string) => Promise<void>} forget
 */

export {};
