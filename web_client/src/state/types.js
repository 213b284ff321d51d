/**
 * What the views see, and nothing else of the application: plain frozen values behind signals, and actions.
 *
 * - Ids are text as everywhere (docs/protocol.md §1); times are milliseconds since 1970, by the server's clock.
 * - A signal holds a new value, never a changed one; views compare by identity.
 * - An action returns a promise and settles when its effect shows in the signals. It rejects with a {@link Failure}
 *   and with nothing else. Actions on notes settle once the outbox has stored them: they need no network.
 * - No value here holds text meant for a person but what people wrote: codes and words, which the views translate.
 */

/** @typedef {"OBS" | "INST" | "INTERV" | "DEM-AVIS" | "GEN"} NoteType */
/** @typedef {"lead" | "professional" | "carer" | "bot"} CircleRole */
/** @typedef {"professional" | "coordinator" | "auditor" | "administrator" | "bot" | "carer" | "escrow"} AccountRole */

/**
 * @template T
 * @typedef {object} Readable A signal: a value that tells its watchers when it changes.
 * @property {T} value
 * @property {(watcher: (value: T) => void) => () => void} watch  Returns what stops watching.
 */

/**
 * @typedef {Error & { code: FailureCode, reason: string | null, facts: Readonly<Record<string, unknown>> }} Failure
 * `code`: a code of the wire; or `offline` (nothing was sent), `protocol` (what arrived is wrong; `reason` is the
 * word of docs/protocol.md), `refused-here` (this device declines; `reason` says why: `bad-words`, `bad-code`,
 * `unsupported-file`, `too-large`, `too-many-pixels`, `too-many-files`, `storage-full`, `locked`, `join-expired`,
 * `join-mismatch` and others that the catalogues of i18n/ have a sentence for), `aborted`.
 */
/**
 * @typedef {"malformed" | "unauthenticated" | "forbidden" | "not_found" | "stale_epoch" | "conflict" | "too_large"
 *   | "rate_limited" | "unavailable" | "internal" | "offline" | "protocol" | "refused-here" | "aborted"} FailureCode
 */

// ── The whole ──────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * @typedef {object} App  Made by `openApp()` of state/app.js, which settles as soon as `session` says `starting`.
 * @property {Readable<Session>} session
 * @property {Readable<Connectivity>} connectivity
 * @property {Readable<readonly Alarm[]>} alarms
 * @property {Readable<LogCheck | null>} logCheck  Null until something shown here was compared with the audit log.
 * @property {(alarm: string) => Promise<void>} dismissAlarm
 * @property {Entry} entry
 * @property {Circles} circles
 * @property {Directory} directory
 * @property {Devices} devices
 * @property {Broadcasts} broadcasts
 * @property {import("./types-emergency.js").Emergency} emergency
 * @property {Audit} audit
 * @property {Admin} admin
 * @property {import("./types-keys.js").Lock} lock
 * @property {import("./types-keys.js").Keeping} keeping
 * @property {import("./types-keys.js").KitCheck} kitCheck
 * @property {import("./types-keys.js").People} people
 * @property {Readable<import("./types-keys.js").Reminder | null>} reminder  What there is to ask, where nobody is writing.
 */

/**
 * @typedef {object} Session
 * @property {"starting" | "none" | "lost" | "locked" | "ready" | "revoked"} phase  `none`: this device holds no account.
 *   `lost`: it held one, and the browser threw its keys away. `locked`: what it holds opens with a passkey or a code.
 *   `revoked`: it was cut off, its keys and notes are erased; `me` says whose it was.
 * @property {Me | null} me
 */

/**
 * @typedef {object} Person
 * @property {string} account
 * @property {string} name
 * @property {string} profession
 * @property {string} organisation
 * @property {readonly AccountRole[]} roles  Empty where the directory was not asked.
 */

/** @typedef {Person & { device: string, kit: "none" | "later" | "made" }} Me  `kit`: is there a recovery kit? */

/**
 * @typedef {object} Connectivity
 * @property {"online" | "connecting" | "offline"} state
 * @property {number} waiting  Notes in the outbox, of all circles.
 * @property {number} failed  Of those, the ones that need somebody's decision.
 */

/**
 * @typedef {object} LogCheck  What is shown here, compared with the audit log.
 * @property {number | null} at  When something was last found to be as the log tells.
 * @property {number} size  Entries the log had.
 * @property {number} ledgers  Circles and accounts that are as it tells.
 * @property {number} missing  Those whose newest change is not in it yet.
 */

/**
 * @typedef {object} Alarm  Something that must not happen and did.
 * @property {string} id
 * @property {"fork" | "rollback" | "log-fork" | "log-rollback" | "log-ledger" | "log-silent" | "refused" | "account" | "wrong-key" | "forged-note" | "wrong-order" | "lost-note" | "clock" | "server-clock" | "storage" | "bug"} kind
 * @property {string | null} circle
 * @property {string | null} circleName
 * @property {string | null} [person]  Whose doing it is, where one knows.
 * @property {number} at
 */

// ── Coming in ──────────────────────────────────────────────────────────────────────────────────────────────────
/**
 * @typedef {object} Entry
 * @property {(token: string) => Promise<Invitation>} lookInvitation
 * @property {(form: EnrolForm) => Promise<void>} enrol  Then the session is `ready`.
 * @property {(form: { code: string, label: string }, signal: AbortSignal) => Promise<void>} join
 *   Settles when the other device has agreed; then the session is `ready`.
 * @property {(form: { kit: string, label: string }) => Promise<void>} restore  `kit`: 24 words or the text of its QR code.
 * @property {(words: string) => Promise<boolean>} isKit  Would `restore` read these words? (checksum)
 */

/**
 * `resets`: the account whose place the new one takes, as the directory showed it.
 * @typedef {{ roles: readonly AccountRole[], organisation: string, expiresAt: number, resets: Omit<Person, "roles"> | null }} Invitation
 */
/**
 * @typedef {{ token: string, name: string, profession: string, organisation: string, label: string }} EnrolForm
 * `label` names this device to its owner.
 */

// ── Circles ────────────────────────────────────────────────────────────────────────────────────────────────────
/**
 * @typedef {object} Circles
 * @property {Readable<CircleList>} list
 * @property {(patient: Patient) => readonly CircleRow[]} similar  Circles that may be of the same patient.
 * @property {(patient: Patient, escrow?: string | null) => Promise<string>} create  The new circle's id. `escrow`: an account that may let people in.
 * @property {(circle: string) => OpenCircle} open  The same object while somebody holds it; let go with `release`.
 */

/**
 * Newest activity first, urgent ones before all. `returning`: further circles in which one waits to be let in again.
 * @typedef {{ loaded: boolean, rows: readonly CircleRow[], returning: number }} CircleList
 */

/** @typedef {{ name: string, sex: "F" | "M" | "U", born: string, place: string }} Patient  `born`: YYYY-MM-DD. */

/**
 * @typedef {object} CircleRow
 * @property {string} circle
 * @property {string} name  The circle's display name; empty while it is locked.
 * @property {Patient | null} patient  Null while it is locked.
 * @property {boolean} locked  No key yet: somebody's device must grant one.
 * @property {boolean} active  Is one still a member?
 * @property {boolean} closed
 * @property {number} unread
 * @property {boolean} urgent  An urgent note is unread.
 * @property {LastNote | null} last
 * @property {number} at  When the last note was written; without one, when the circle last changed.
 * @property {number} waiting  Members that were reset and wait to be let in again.
 */

/** @typedef {{ at: number, author: string, mine: boolean, type: NoteType, text: string, attachments: number }} LastNote */

/**
 * @typedef {object} OpenCircle
 * @property {string} circle
 * @property {Readable<CircleInfo>} info
 * @property {Readable<Timeline>} timeline
 * @property {Readable<readonly MemberRow[]>} members
 * @property {Readable<readonly WaitingMember[]>} waiting  Who was reset and waits to be let in again.
 * @property {Readable<Draft>} draft
 * @property {() => void} release
 * @property {() => Promise<void>} earlier  Put one page of earlier notes before those of the timeline.
 * @property {(draft: Draft) => Promise<void>} saveDraft  Kept over a reload, files included.
 * @property {(draft: Draft) => Promise<void>} post  Puts it in the outbox and empties the draft.
 * @property {(note: string, reason: string) => Promise<void>} withdraw
 * @property {(note: string) => Promise<void>} acknowledge
 * @property {(notes: readonly string[]) => Promise<void>} markRead  These were on the screen.
 * @property {(note: string) => Promise<void>} retry
 * @property {(note: string) => Promise<void>} discard  Takes what was never sent out of the outbox.
 * @property {(note: string) => Promise<readonly NoteVersion[]>} history  Oldest first.
 * @property {(note: string, version: number, wanted: { receipts: boolean, files: boolean }) => Promise<Disclosed>} disclose  To somebody without Relais.
 * @property {(note: string) => Promise<Readable<ReceiptMatrix>>} receipts
 * @property {(fetch: AttachmentFetch) => Promise<Blob>} attachment  Decrypted and checked.
 * @property {(member: import("./types-audience.js").Addition) => Promise<void>} add
 * @property {() => Promise<void>} lookForHelp  Asks once more who could give the key that is on its way; never rejects.
 * @property {(account: string) => Promise<void>} readmit  A `waiting` one, by its old account: same role, audiences, end and history.
 * @property {(account: string) => Promise<void>} remove
 * @property {(account: string, change: import("./types-audience.js").Change) => Promise<void>} change
 * @property {(name: string, others: readonly string[]) => Promise<void>} openAudience  A further one, for oneself and these.
 * @property {() => Promise<void>} leave
 * @property {() => Promise<void>} close  For everybody and for good.
 * @property {(asked: import("./types-watch.js").AccessesAsked) => Promise<AuditPage>} accesses  Who looked at this circle, newest first.
 * @property {(note: string, version: number) => Promise<readonly import("./types-audience.js").NoteReader[]>} couldRead  Since when, until when, by what.
 * @property {(note: string) => Promise<import("./types-watch.js").NoteFetchers>} fetchers  Who fetched a note from the relay.
 */

/** A version with its evidence, as a file. `key`: the log's, as the server tells it; `people`: whose names are in it. @typedef {{ blob: Blob, key: string, people: number }} Disclosed */

/**
 * @typedef {object} CircleInfo
 * @property {string} name
 * @property {Patient | null} patient
 * @property {CircleRole | null} role  One's own; null before it is known.
 * @property {boolean} loaded
 * @property {boolean} active
 * @property {boolean} closed
 * @property {import("./types-audience.js").Help | null} help  A key is on its way; null: none is.
 * @property {boolean} mayPost
 * @property {boolean} mayAdd
 * @property {boolean} mayLead  May change roles and close.
 * @property {boolean} mayLeave
 * @property {"fork" | "rollback" | null} alarm  The server showed two histories; this device no longer posts here.
 * @property {readonly import("./types-audience.js").AudienceView[]} audiences  `team` first.
 */

/**
 * @typedef {object} Timeline
 * @property {boolean} loaded
 * @property {readonly NoteView[]} notes  In the server's order, outbox last. One row a note, by its newest version.
 * @property {boolean} complete  Nothing is earlier than the first of `notes`.
 * @property {boolean} loading  A page of earlier ones is on its way.
 * @property {string | null} firstUnread  The first note that was unread when the circle was opened.
 */

/**
 * @typedef {object} NoteView
 * @property {string} note
 * @property {number} version
 * @property {number | null} seq  Of its first version; null in the outbox.
 * @property {string} account  The author's.
 * @property {string} author
 * @property {string} profession
 * @property {boolean} mine
 * @property {number} at  When it was written.
 * @property {number | null} correctedAt
 * @property {NoteType} type
 * @property {string} text
 * @property {boolean} urgent
 * @property {boolean} acknowledge  Acknowledgement is asked.
 * @property {boolean} acknowledged  By oneself, in this version.
 * @property {boolean} unread
 * @property {readonly AttachmentView[]} attachments
 * @property {ReplyView | null} replyTo
 * @property {{ at: number, reason: string } | null} withdrawn
 * @property {{ since: number } | null} locked  Its key is on the way; `text` and the rest are empty.
 * @property {string | null} damaged  Why it was refused by this device (a ProtocolError's reason).
 * @property {Sending | null} sending  Null when the server has it.
 * @property {{ people: number, stored: number, read: number, acknowledged: number }} seen  People other than the author.
 * @property {string | null} broadcast
 * @property {readonly string[]} audiences  Who may read it.
 */

/**
 * @typedef {object} Sending
 * @property {"queued" | "uploading" | "sending" | "failed"} state
 * @property {number} progress  0 to 1 over all attachments.
 * @property {FailureCode | null} code
 * @property {string | null} reason
 */

/** @typedef {{ note: string, author: string, excerpt: string, type: NoteType | null }} ReplyView */

/**
 * @typedef {object} AttachmentView
 * @property {string} id
 * @property {string} name
 * @property {string} mediaType
 * @property {number} size  Bytes of the plaintext.
 * @property {number | null} width
 * @property {number | null} height
 * @property {Blob | null} thumbnail
 */

/**
 * @typedef {object} AttachmentFetch
 * @property {string} note
 * @property {number} version
 * @property {string} attachment
 * @property {(share: number) => void} onProgress  0 to 1.
 * @property {AbortSignal} signal
 */

/**
 * @typedef {object} NoteVersion
 * @property {number} version
 * @property {number} at
 * @property {"post" | "correction" | "withdrawal"} kind
 * @property {NoteType} type
 * @property {string} text
 * @property {readonly AttachmentView[]} attachments
 * @property {boolean} urgent
 * @property {boolean} locked
 */

/**
 * @typedef {object} Draft
 * @property {NoteType} type
 * @property {string} text
 * @property {boolean} urgent
 * @property {boolean} acknowledge
 * @property {string | null} replyTo  A note.
 * @property {string | null} replaces  The note this corrects, one's own.
 * @property {readonly string[] | null} audiences  Chosen for it; null: as usual.
 * @property {readonly string[]} kept  Attachments of the corrected note that stay.
 * @property {readonly File[]} files  New ones, as chosen; cleaned and sealed when posted.
 */

/**
 * @typedef {object} ReceiptMatrix
 * @property {boolean} loaded
 * @property {number} version  The newest, which the cells are about.
 * @property {readonly ReceiptRow[]} rows  Everybody who may read the note, but its author.
 */

/**
 * @typedef {object} ReceiptRow  Earliest time over the person's devices; null: not yet.
 * @property {string} account
 * @property {string} name
 * @property {string} profession
 * @property {boolean} active  Still a member.
 * @property {number | null} stored
 * @property {number | null} read
 * @property {number | null} acknowledged
 * @property {number | null} earlierVersion  The newest older version this person has read, if not this one.
 */

/**
 * A member whose devices and kit are all lost, and who has a new account. The administration says that it is the same
 * person; nobody with the old keys does: `by` is the new account, with the name it gives itself.
 * @typedef {Omit<Person, "roles"> & { by: Omit<Person, "roles">, at: number, mayReadmit: boolean }} WaitingMember
 */

/** @typedef {import("./types-audience.js").MemberRow} MemberRow */

// ── People and devices ─────────────────────────────────────────────────────────────────────────────────────────

/** @typedef {{ search: (text: string) => Promise<readonly Person[]> }} Directory */

/**
 * @typedef {object} Devices
 * @property {Readable<readonly DeviceView[]>} list
 * @property {() => Promise<void>} refresh
 * @property {(device: string, label: string) => Promise<void>} rename
 * @property {(device: string) => Promise<void>} revoke  One's own too: then the session is `revoked`.
 * @property {() => Promise<JoinOffer>} offer
 * @property {(language: "fr" | "en") => Promise<Kit>} makeKit  The words are shown once and then forgotten.
 * @property {(kept: string) => Promise<void>} retireKits  Revokes every other kit.
 * @property {() => Promise<void>} postponeKit  Remembered as `me.kit` = `later`.
 */

/**
 * @typedef {object} DeviceView
 * @property {string} device
 * @property {string} label
 * @property {"interactive" | "recovery" | "bot"} kind
 * @property {boolean} current
 * @property {number} addedAt
 * @property {number | null} lastSeen
 * @property {number | null} revokedAt
 */

/** @typedef {{ words: readonly string[], qr: string, device: string, madeAt: number }} Kit */

/**
 * @typedef {object} JoinOffer
 * @property {string} code  ABCD-EFGH-JKMN-PQRS
 * @property {string} url  What its QR code holds.
 * @property {number} expiresAt
 * @property {Readable<"waiting" | "joined" | "expired" | "refused">} state  `refused`: what came did not match the code.
 * @property {() => void} cancel
 */

// ── Broadcast ──────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * @typedef {object} Broadcasts
 * @property {Readable<readonly BroadcastRow[]>} list  Newest first: one's own, as far as this device knows.
 * @property {(form: BroadcastForm) => Promise<string>} send  Its id, once all notes are in the outbox.
 * @property {(broadcast: string) => Promise<Readable<BroadcastMatrix>>} matrix
 */

/** @typedef {Omit<Draft, "replyTo" | "replaces" | "kept" | "audiences"> & { circles: readonly string[] }} BroadcastForm */

/** @typedef {{ broadcast: string, at: number, type: NoteType, text: string, circles: number, people: number, acknowledged: number }} BroadcastRow */

/**
 * @typedef {object} BroadcastMatrix
 * @property {boolean} loaded
 * @property {string} broadcast
 * @property {number} at
 * @property {NoteType} type
 * @property {string} text
 * @property {boolean} acknowledge
 * @property {readonly { circle: string, name: string, note: string, sending: Sending | null, rows: readonly ReceiptRow[] }[]} circles
 */

// ── Audit and administration: types-audit.js ───────────────────────────────────────────────────────────────────
/** @typedef {import("./types-audit.js").Audit & import("./types-watch.js").AuditWatch} Audit */
/** @typedef {import("./types-audit.js").AuditFilter} AuditFilter */
/** @typedef {import("./types-audit.js").AuditSearch} AuditSearch */
/** @typedef {import("./types-audit.js").AuditPage} AuditPage */
/** @typedef {import("./types-audit.js").AuditEntry} AuditEntry */
/** @typedef {import("./types-audit.js").AuditVolume} AuditVolume */
/** @typedef {import("./types-audit.js").Verification} Verification */
/** @typedef {import("./types-audit.js").Admin} Admin */
/** @typedef {import("./types-audit.js").AccountRow} AccountRow */

export {};
