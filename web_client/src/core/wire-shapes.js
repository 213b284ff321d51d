// Generated from models/wire by `python -m relais.models.wire.typescript`. Do not edit.
import { audience, bool, bytes, choice, id16, id32, list, message, optional, text, uint, word } from "./wire-kinds.js";

const Challenge = message({ challenge: bytes, expires_at: uint });
const Token = message({ token: text, account: id32, roles: list(choice("professional", "coordinator", "auditor", "administrator", "bot", "carer", "escrow")), expires_at: uint, now: uint });
const Chain = message({ account: id32, statements: list(bytes), replaced_by: optional(id32) });
const Chains = message({ chains: list(Chain) });
const StatementAppended = message({ account: id32, seq: uint, head: id32 });
const DirectoryEntry = message({ account: id32, name: text, profession: text, organisation: text, roles: list(choice("professional", "coordinator", "auditor", "administrator", "bot", "carer", "escrow")) });
const DirectoryFound = message({ entries: list(DirectoryEntry) });
const DeviceSeen = message({ device: id16, last_seen: optional(uint) });
const DevicesSeen = message({ devices: list(DeviceSeen) });
const DeviceOffered = message({ expires_at: uint });
const Invited = message({ path: text, expires_at: uint });
const AccountRow = message({ number: uint, account: id32, name: text, profession: text, organisation: text, roles: list(choice("professional", "coordinator", "auditor", "administrator", "bot", "carer", "escrow")), enrolled_at: uint, last_seen: optional(uint), replaced_by: optional(id32) });
const AccountsListed = message({ rows: list(AccountRow) });
const EntryAppended = message({ circle: id32, seq: uint, head: id32 });
const CircleRow = message({ circle: id32, ledger_seq: uint, ledger_head: id32, active: bool, closed: bool, profile: optional(bytes), last_seq: uint, last_at: optional(uint), unread: uint, urgent: bool, missing: uint });
const CirclesListed = message({ circles: list(CircleRow), returning: uint });
const Ledger = message({ entries: list(bytes), profile: optional(bytes), more: bool });
const GrantsGot = message({ grants: list(bytes), last: uint });
const GrantsGiven = message({ stored: uint });
const GrantsReported = message({ noted: uint });
const MissingGrant = message({ circle: id32, account: id32, device: id16, audience: audience, epochs: list(uint), since: uint });
const MissingNotes = message({ circle: id32, account: id32, device: id16, seqs: list(uint), since: uint });
const Missing = message({ missing: list(MissingGrant), notes: list(MissingNotes) });
const Help = message({ since: optional(uint), accounts: list(id32), last_seen: optional(uint) });
const NoteStored = message({ seq: uint, at: uint });
const StoredNote = message({ seq: uint, at: uint, envelope: bytes });
const Notes = message({ notes: list(StoredNote), last_seq: uint, others: list(uint) });
const ProvenEntry = message({ index: uint, entry: bytes, path: list(bytes) });
const NoteProven = message({ vkey: text, checkpoint: bytes, entries: list(ProvenEntry) });
const ReceiptsStored = message({ stored: uint });
const StoredReceipt = message({ number: uint, receipt: bytes });
const Receipts = message({ receipts: list(StoredReceipt), last: uint });
const EscrowShared = message({ stored: uint });
const SealedFor = message({ device: id16, sealed: bytes });
const EscrowRow = message({ account: id32, statement: bytes, mine: list(SealedFor) });
const Escrows = message({ escrows: list(EscrowRow) });
const EmergencyLooked = message({ escrow: id32, statement: bytes, open: optional(id32) });
const EmergencyRequested = message({ id: id32 });
const EmergencyRow = message({ id: id32, request: bytes, state: choice("open", "approved", "declined", "released", "expired", "withdrawn"), statement: bytes, answers: list(bytes), explained: list(SealedFor), review_due: optional(uint) });
const Emergencies = message({ requests: list(EmergencyRow) });
const EmergencyChanged = message({ id: id32, circle: id32, state: choice("open", "approved", "declined", "released", "expired", "withdrawn") });
const AuditRow = message({ index: uint, entry: bytes });
const AuditFound = message({ rows: list(AuditRow), more: bool, pruned: uint });
const Proof = message({ index: uint, entry: optional(bytes), leaf: bytes, path: list(bytes), checkpoint: bytes });
const Consistency = message({ path: list(bytes), checkpoint: bytes });
const Access = message({ index: uint, entry: bytes });
const Accesses = message({ rows: list(Access), more: bool });
const NoteAccess = message({ account: id32, kind: choice("fetched", "attachment"), first_at: uint, last_at: uint, times: uint });
const NoteAccessed = message({ rows: list(NoteAccess), complete: bool });
const ToldHead = message({ index: uint, entry: bytes, path: list(bytes) });
const HeadsProven = message({ entries: list(ToldHead), consistency: list(bytes), checkpoint: bytes, more: bool });
const AlarmNoted = message({  });
const Finding = message({ rule: choice("alarm", "outside-hours", "many-circles", "after-leaving", "refusals", "auditor-colleague", "break-glass", "escrow-login"), index: uint, at: uint, account: optional(id32), circle: optional(id32), about: optional(id32), kind: optional(word), count: uint, minutes: uint, due: optional(uint), reviewed_by: optional(id32), reviewed_at: optional(uint), verdict: optional(choice("expected", "explained", "escalated")) });
const Findings = message({ rows: list(Finding), more: bool, size: uint, overdue: uint });
const Viewed = message({ row: AuditRow, findings: list(Finding) });
const VerifiedNoted = message({  });
const Bucket = message({ since: uint, until: uint, ok: uint, refused: uint });
const Volume = message({ buckets: list(Bucket), complete: bool });
const Hour = message({ day: uint, hour: uint, ok: uint, refused: uint, findings: uint });
const Hours = message({ zone: text, days: uint, hours: list(Hour), usual: list(uint), size: uint });
const OpeningHours = message({ organisation: text, first_day: uint, last_day: uint, from_hour: uint, until_hour: uint });
const Rules = message({ version: uint, on: list(choice("alarm", "outside-hours", "many-circles", "after-leaving", "refusals", "auditor-colleague", "break-glass", "escrow-login")), zone: text, learn_days: uint, opening: list(OpeningHours), circles: uint, circles_minutes: uint, grace_minutes: uint, refusals: uint, refusals_minutes: uint, review_hours: uint });
const Reset = message({ account: id32, name: text, profession: text, organisation: text });
const Invitation = message({ roles: list(choice("professional", "coordinator", "auditor", "administrator", "bot", "carer", "escrow")), organisation: text, expires_at: uint, now: uint, resets: optional(Reset) });
const Enrolled = message({ account: id32, roles: list(choice("professional", "coordinator", "auditor", "administrator", "bot", "carer", "escrow")), now: uint });
const JoinLooked = message({ account: id32, now: uint });
const JoinRequested = message({  });
const JoinAnswered = message({ pending: bool, statements: list(bytes), mac: optional(bytes) });
const DeviceRequested = message({ ticket: id16, possession: bytes, mac: bytes });
const GrantsAdded = message({ circle: id32 });
const GrantsWanted = message({ circle: id32, rotate: bool });
const NotePosted = message({ circle: id32, seq: uint, at: uint, envelope: bytes });
const ReceiptPosted = message({ circle: id32, receipts: list(StoredReceipt) });
const ReviewsDue = message({ count: uint });

/** @type {Record<string, import("./wire-kinds.js").Check>} what answers a request, by its event */
export const ANSWERS = {
  "auth.challenge": Challenge,
  "auth.renew": Token,
  "account.get": Chains,
  "account.append": StatementAppended,
  "directory.search": DirectoryFound,
  "device.list": DevicesSeen,
  "device.offer": DeviceOffered,
  "device.approve": StatementAppended,
  "admin.invite": Invited,
  "admin.accounts": AccountsListed,
  "circle.create": EntryAppended,
  "circle.append": EntryAppended,
  "circle.list": CirclesListed,
  "circle.ledger": Ledger,
  "circle.grants": GrantsGot,
  "circle.grant": GrantsGiven,
  "circle.unopenable": GrantsReported,
  "circle.missing": Missing,
  "circle.help": Help,
  "note.post": NoteStored,
  "circle.sync": Notes,
  "circle.page": Notes,
  "note.get": Notes,
  "note.disclose": NoteProven,
  "receipt.post": ReceiptsStored,
  "receipt.sync": Receipts,
  "receipt.get": Receipts,
  "escrow.share": EscrowShared,
  "escrow.reshare": EscrowShared,
  "escrow.list": Escrows,
  "emergency.look": EmergencyLooked,
  "emergency.request": EmergencyRequested,
  "emergency.list": Emergencies,
  "emergency.answer": EmergencyChanged,
  "emergency.withdraw": EmergencyChanged,
  "audit.search": AuditFound,
  "audit.prove": Proof,
  "audit.consistency": Consistency,
  "audit.circle": Accesses,
  "audit.note": NoteAccessed,
  "audit.heads": HeadsProven,
  "alarm.report": AlarmNoted,
  "audit.findings": Findings,
  "audit.review": Finding,
  "audit.view": Viewed,
  "audit.verify": VerifiedNoted,
  "audit.volume": Volume,
  "audit.hours": Hours,
  "audit.rules": Rules,
  "audit.rules.set": Rules,
};
/** @type {Record<string, import("./wire-kinds.js").Check>} what answers a body, by its path */
export const BODIES = {
  "/auth/challenge": Challenge,
  "/auth/token": Token,
  "/auth/invitation": Invitation,
  "/auth/enrol": Enrolled,
  "/auth/join/look": JoinLooked,
  "/auth/join/request": JoinRequested,
  "/auth/join/wait": JoinAnswered,
};
/** @type {Record<string, import("./wire-kinds.js").Check>} events, by name */
export const FACTS = {
  "account.changed": StatementAppended,
  "device.requested": DeviceRequested,
  "circle.changed": EntryAppended,
  "circle.granted": GrantsAdded,
  "circle.wanted": GrantsWanted,
  "note.posted": NotePosted,
  "receipt.posted": ReceiptPosted,
  "emergency.changed": EmergencyChanged,
  "audit.due": ReviewsDue,
};
