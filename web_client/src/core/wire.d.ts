// Generated from models/wire by `python -m relais.models.wire.typescript`. Do not edit.
export interface AskChallenge { device: string }
export interface AskToken { login: Uint8Array<ArrayBuffer> }
export interface GetAccounts { accounts: readonly (string)[] }
export interface AppendStatement { statement: Uint8Array<ArrayBuffer> }
export interface SearchDirectory { text: string; limit: number }
export interface ListDevices {  }
export interface OfferDevice { ticket: string }
export interface ApproveDevice { ticket: string; statement: Uint8Array<ArrayBuffer>; mac: Uint8Array<ArrayBuffer> }
export interface Invite { roles: readonly ("professional" | "coordinator" | "auditor" | "administrator" | "bot" | "carer" | "escrow")[]; organisation: string; days: number; resets: string | null }
export interface ListAccounts { after: number; limit: number }
export interface CreateCircle { entry: Uint8Array<ArrayBuffer>; grants: readonly (Uint8Array<ArrayBuffer>)[]; profile: Uint8Array<ArrayBuffer> }
export interface AppendEntry { circle: string; entry: Uint8Array<ArrayBuffer>; grants: readonly (Uint8Array<ArrayBuffer>)[]; profile: Uint8Array<ArrayBuffer> | null }
export interface ListCircles { closed: boolean }
export interface GetLedger { circle: string; from_seq: number }
export interface GetGrants { circle: string; after: number }
export interface GiveGrants { circle: string; grants: readonly (Uint8Array<ArrayBuffer>)[] }
export interface ReportGrants { circle: string; grants: readonly (string)[] }
export interface GetMissing { circle: string | null }
export interface AskHelp { circle: string }
export interface PostNote { envelope: Uint8Array<ArrayBuffer> }
export interface SyncCircle { circle: string; after: number; limit: number }
export interface PageCircle { circle: string; before: number; limit: number }
export interface GetNote { circle: string; note: string }
export interface DiscloseNote { circle: string; note: string; version: number; receipts: boolean }
export interface PostReceipts { circle: string; receipts: readonly (Uint8Array<ArrayBuffer>)[] }
export interface SyncReceipts { circle: string; after: number; limit: number }
export interface GetReceipts { circle: string; note: string }
export interface SealedFor { device: string; sealed: Uint8Array<ArrayBuffer> }
export interface ShareEscrow { statement: Uint8Array<ArrayBuffer>; possession: Uint8Array<ArrayBuffer> | null; shares: readonly (SealedFor)[] }
export interface ReshareEscrow { escrow: string; escrow_device: string; shares: readonly (SealedFor)[] }
export interface ListEscrows {  }
export interface LookEmergency { circle: string }
export interface RequestEmergency { request: Uint8Array<ArrayBuffer>; explained: readonly (SealedFor)[] }
export interface ListEmergencies {  }
export interface AnswerEmergency { answer: Uint8Array<ArrayBuffer> }
export interface WithdrawEmergency { id: string }
export interface SearchAudit { account: string | null; circle: string | null; organisation: string | null; action: string | null; outcome: "ok" | "refused" | null; since: number | null; until: number | null; before: number; limit: number }
export interface ProveEntry { index: number }
export interface ProveConsistency { size: number }
export interface CircleAccesses { circle: string; before: number; limit: number; account: string | null; since: number | null; until: number | null }
export interface NoteAccesses { circle: string; note: string; blobs: readonly (string)[] }
export interface LedgerFrom { ledger: string; index: number }
export interface ProveHeads { ledgers: readonly (LedgerFrom)[]; size: number }
export interface ReportAlarm { kind: string; circle: string | null; account: string | null; of: string | null; seq: number | null }
export interface ListFindings { open: boolean; account: string | null; before: number; limit: number }
export interface ReviewFinding { rule: "alarm" | "outside-hours" | "many-circles" | "after-leaving" | "refusals" | "auditor-colleague" | "break-glass" | "escrow-login"; index: number; verdict: "expected" | "explained" | "escalated" }
export interface ViewEntry { index: number }
export interface TellVerified { size: number; root: Uint8Array<ArrayBuffer>; entries: number; reason: string | null }
export interface CountAudit { account: string | null; circle: string | null; organisation: string | null; action: string | null; outcome: "ok" | "refused" | null; since: number | null; until: number | null }
export interface CountHours { account: string; month: string }
export interface GetRules {  }
export interface OpeningHours { organisation: string; first_day: number; last_day: number; from_hour: number; until_hour: number }
export interface Rules { version: number; on: readonly ("alarm" | "outside-hours" | "many-circles" | "after-leaving" | "refusals" | "auditor-colleague" | "break-glass" | "escrow-login")[]; zone: string; learn_days: number; opening: readonly (OpeningHours)[]; circles: number; circles_minutes: number; grace_minutes: number; refusals: number; refusals_minutes: number; review_hours: number }
export interface SetRules { rules: Rules }
export interface LookInvitation { invitation: string }
export interface Enrol { invitation: string; statement: Uint8Array<ArrayBuffer> }
export interface LookJoin { ticket: string }
export interface RequestJoin { ticket: string; possession: Uint8Array<ArrayBuffer>; mac: Uint8Array<ArrayBuffer> }
export interface WaitJoin { ticket: string }
export interface Challenge { challenge: Uint8Array<ArrayBuffer>; expires_at: number }
export interface Token { token: string; account: string; roles: readonly ("professional" | "coordinator" | "auditor" | "administrator" | "bot" | "carer" | "escrow")[]; expires_at: number; now: number }
export interface Chain { account: string; statements: readonly (Uint8Array<ArrayBuffer>)[]; replaced_by: string | null }
export interface Chains { chains: readonly (Chain)[] }
export interface StatementAppended { account: string; seq: number; head: string }
export interface DirectoryEntry { account: string; name: string; profession: string; organisation: string; roles: readonly ("professional" | "coordinator" | "auditor" | "administrator" | "bot" | "carer" | "escrow")[] }
export interface DirectoryFound { entries: readonly (DirectoryEntry)[] }
export interface DeviceSeen { device: string; last_seen: number | null }
export interface DevicesSeen { devices: readonly (DeviceSeen)[] }
export interface DeviceOffered { expires_at: number }
export interface Invited { path: string; expires_at: number }
export interface AccountRow { number: number; account: string; name: string; profession: string; organisation: string; roles: readonly ("professional" | "coordinator" | "auditor" | "administrator" | "bot" | "carer" | "escrow")[]; enrolled_at: number; last_seen: number | null; replaced_by: string | null }
export interface AccountsListed { rows: readonly (AccountRow)[] }
export interface EntryAppended { circle: string; seq: number; head: string }
export interface CircleRow { circle: string; ledger_seq: number; ledger_head: string; active: boolean; closed: boolean; profile: Uint8Array<ArrayBuffer> | null; last_seq: number; last_at: number | null; unread: number; urgent: boolean; missing: number }
export interface CirclesListed { circles: readonly (CircleRow)[]; returning: number }
export interface Ledger { entries: readonly (Uint8Array<ArrayBuffer>)[]; profile: Uint8Array<ArrayBuffer> | null; more: boolean }
export interface GrantsGot { grants: readonly (Uint8Array<ArrayBuffer>)[]; last: number }
export interface GrantsGiven { stored: number }
export interface GrantsReported { noted: number }
export interface MissingGrant { circle: string; account: string; device: string; audience: string; epochs: readonly (number)[]; since: number }
export interface MissingNotes { circle: string; account: string; device: string; seqs: readonly (number)[]; since: number }
export interface Missing { missing: readonly (MissingGrant)[]; notes: readonly (MissingNotes)[] }
export interface Help { since: number | null; accounts: readonly (string)[]; last_seen: number | null }
export interface NoteStored { seq: number; at: number }
export interface StoredNote { seq: number; at: number; envelope: Uint8Array<ArrayBuffer> }
export interface Notes { notes: readonly (StoredNote)[]; last_seq: number; others: readonly (number)[] }
export interface ProvenEntry { index: number; entry: Uint8Array<ArrayBuffer>; path: readonly (Uint8Array<ArrayBuffer>)[] }
export interface NoteProven { vkey: string; checkpoint: Uint8Array<ArrayBuffer>; entries: readonly (ProvenEntry)[] }
export interface ReceiptsStored { stored: number }
export interface StoredReceipt { number: number; receipt: Uint8Array<ArrayBuffer> }
export interface Receipts { receipts: readonly (StoredReceipt)[]; last: number }
export interface EscrowShared { stored: number }
export interface EscrowRow { account: string; statement: Uint8Array<ArrayBuffer>; mine: readonly (SealedFor)[] }
export interface Escrows { escrows: readonly (EscrowRow)[] }
export interface EmergencyLooked { escrow: string; statement: Uint8Array<ArrayBuffer>; open: string | null }
export interface EmergencyRequested { id: string }
export interface EmergencyRow { id: string; request: Uint8Array<ArrayBuffer>; state: "open" | "approved" | "declined" | "released" | "expired" | "withdrawn"; statement: Uint8Array<ArrayBuffer>; answers: readonly (Uint8Array<ArrayBuffer>)[]; explained: readonly (SealedFor)[]; review_due: number | null }
export interface Emergencies { requests: readonly (EmergencyRow)[] }
export interface EmergencyChanged { id: string; circle: string; state: "open" | "approved" | "declined" | "released" | "expired" | "withdrawn" }
export interface AuditRow { index: number; entry: Uint8Array<ArrayBuffer> }
export interface AuditFound { rows: readonly (AuditRow)[]; more: boolean; pruned: number }
export interface Proof { index: number; entry: Uint8Array<ArrayBuffer> | null; leaf: Uint8Array<ArrayBuffer>; path: readonly (Uint8Array<ArrayBuffer>)[]; checkpoint: Uint8Array<ArrayBuffer> }
export interface Consistency { path: readonly (Uint8Array<ArrayBuffer>)[]; checkpoint: Uint8Array<ArrayBuffer> }
export interface Access { index: number; entry: Uint8Array<ArrayBuffer> }
export interface Accesses { rows: readonly (Access)[]; more: boolean }
export interface NoteAccess { account: string; kind: "fetched" | "attachment"; first_at: number; last_at: number; times: number }
export interface NoteAccessed { rows: readonly (NoteAccess)[]; complete: boolean }
export interface ToldHead { index: number; entry: Uint8Array<ArrayBuffer>; path: readonly (Uint8Array<ArrayBuffer>)[] }
export interface HeadsProven { entries: readonly (ToldHead)[]; consistency: readonly (Uint8Array<ArrayBuffer>)[]; checkpoint: Uint8Array<ArrayBuffer>; more: boolean }
export interface AlarmNoted {  }
export interface Finding { rule: "alarm" | "outside-hours" | "many-circles" | "after-leaving" | "refusals" | "auditor-colleague" | "break-glass" | "escrow-login"; index: number; at: number; account: string | null; circle: string | null; about: string | null; kind: string | null; count: number; minutes: number; due: number | null; reviewed_by: string | null; reviewed_at: number | null; verdict: "expected" | "explained" | "escalated" | null }
export interface Findings { rows: readonly (Finding)[]; more: boolean; size: number; overdue: number }
export interface Viewed { row: AuditRow; findings: readonly (Finding)[] }
export interface VerifiedNoted {  }
export interface Bucket { since: number; until: number; ok: number; refused: number }
export interface Volume { buckets: readonly (Bucket)[]; complete: boolean }
export interface Hour { day: number; hour: number; ok: number; refused: number; findings: number }
export interface Hours { zone: string; days: number; hours: readonly (Hour)[]; usual: readonly (number)[]; size: number }
export interface Reset { account: string; name: string; profession: string; organisation: string }
export interface Invitation { roles: readonly ("professional" | "coordinator" | "auditor" | "administrator" | "bot" | "carer" | "escrow")[]; organisation: string; expires_at: number; now: number; resets: Reset | null }
export interface Enrolled { account: string; roles: readonly ("professional" | "coordinator" | "auditor" | "administrator" | "bot" | "carer" | "escrow")[]; now: number }
export interface JoinLooked { account: string; now: number }
export interface JoinRequested {  }
export interface JoinAnswered { pending: boolean; statements: readonly (Uint8Array<ArrayBuffer>)[]; mac: Uint8Array<ArrayBuffer> | null }
export interface DeviceRequested { ticket: string; possession: Uint8Array<ArrayBuffer>; mac: Uint8Array<ArrayBuffer> }
export interface GrantsAdded { circle: string }
export interface GrantsWanted { circle: string; rotate: boolean }
export interface NotePosted { circle: string; seq: number; at: number; envelope: Uint8Array<ArrayBuffer> }
export interface ReceiptPosted { circle: string; receipts: readonly (StoredReceipt)[] }
export interface ReviewsDue { count: number }
export interface Requests {
  "auth.challenge": { request: AskChallenge; answer: Challenge };
  "auth.renew": { request: AskToken; answer: Token };
  "account.get": { request: GetAccounts; answer: Chains };
  "account.append": { request: AppendStatement; answer: StatementAppended };
  "directory.search": { request: SearchDirectory; answer: DirectoryFound };
  "device.list": { request: ListDevices; answer: DevicesSeen };
  "device.offer": { request: OfferDevice; answer: DeviceOffered };
  "device.approve": { request: ApproveDevice; answer: StatementAppended };
  "admin.invite": { request: Invite; answer: Invited };
  "admin.accounts": { request: ListAccounts; answer: AccountsListed };
  "circle.create": { request: CreateCircle; answer: EntryAppended };
  "circle.append": { request: AppendEntry; answer: EntryAppended };
  "circle.list": { request: ListCircles; answer: CirclesListed };
  "circle.ledger": { request: GetLedger; answer: Ledger };
  "circle.grants": { request: GetGrants; answer: GrantsGot };
  "circle.grant": { request: GiveGrants; answer: GrantsGiven };
  "circle.unopenable": { request: ReportGrants; answer: GrantsReported };
  "circle.missing": { request: GetMissing; answer: Missing };
  "circle.help": { request: AskHelp; answer: Help };
  "note.post": { request: PostNote; answer: NoteStored };
  "circle.sync": { request: SyncCircle; answer: Notes };
  "circle.page": { request: PageCircle; answer: Notes };
  "note.get": { request: GetNote; answer: Notes };
  "note.disclose": { request: DiscloseNote; answer: NoteProven };
  "receipt.post": { request: PostReceipts; answer: ReceiptsStored };
  "receipt.sync": { request: SyncReceipts; answer: Receipts };
  "receipt.get": { request: GetReceipts; answer: Receipts };
  "escrow.share": { request: ShareEscrow; answer: EscrowShared };
  "escrow.reshare": { request: ReshareEscrow; answer: EscrowShared };
  "escrow.list": { request: ListEscrows; answer: Escrows };
  "emergency.look": { request: LookEmergency; answer: EmergencyLooked };
  "emergency.request": { request: RequestEmergency; answer: EmergencyRequested };
  "emergency.list": { request: ListEmergencies; answer: Emergencies };
  "emergency.answer": { request: AnswerEmergency; answer: EmergencyChanged };
  "emergency.withdraw": { request: WithdrawEmergency; answer: EmergencyChanged };
  "audit.search": { request: SearchAudit; answer: AuditFound };
  "audit.prove": { request: ProveEntry; answer: Proof };
  "audit.consistency": { request: ProveConsistency; answer: Consistency };
  "audit.circle": { request: CircleAccesses; answer: Accesses };
  "audit.note": { request: NoteAccesses; answer: NoteAccessed };
  "audit.heads": { request: ProveHeads; answer: HeadsProven };
  "alarm.report": { request: ReportAlarm; answer: AlarmNoted };
  "audit.findings": { request: ListFindings; answer: Findings };
  "audit.review": { request: ReviewFinding; answer: Finding };
  "audit.view": { request: ViewEntry; answer: Viewed };
  "audit.verify": { request: TellVerified; answer: VerifiedNoted };
  "audit.volume": { request: CountAudit; answer: Volume };
  "audit.hours": { request: CountHours; answer: Hours };
  "audit.rules": { request: GetRules; answer: Rules };
  "audit.rules.set": { request: SetRules; answer: Rules };
}
export interface Exchanges {
  "/auth/challenge": { request: AskChallenge; answer: Challenge };
  "/auth/token": { request: AskToken; answer: Token };
  "/auth/invitation": { request: LookInvitation; answer: Invitation };
  "/auth/enrol": { request: Enrol; answer: Enrolled };
  "/auth/join/look": { request: LookJoin; answer: JoinLooked };
  "/auth/join/request": { request: RequestJoin; answer: JoinRequested };
  "/auth/join/wait": { request: WaitJoin; answer: JoinAnswered };
}
export interface Events {
  "account.changed": StatementAppended;
  "device.requested": DeviceRequested;
  "circle.changed": EntryAppended;
  "circle.granted": GrantsAdded;
  "circle.wanted": GrantsWanted;
  "note.posted": NotePosted;
  "receipt.posted": ReceiptPosted;
  "emergency.changed": EmergencyChanged;
  "audit.due": ReviewsDue;
}
