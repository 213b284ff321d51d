"""Every message between a member and the server. No other shape crosses the wire."""

from typing import ClassVar, Protocol

from relais.models.wire import account, alarm, audit, auth, circle, emergency, heads, note, watch


class Event(Protocol):
    """A message that goes over a socket, by the name of its event."""

    EVENT: ClassVar[str]


class Body(Protocol):
    """A message that is posted over HTTP, to its path."""

    PATH: ClassVar[str]


REQUESTS: dict[type[Event], type] = {
    auth.AskChallenge: auth.Challenge,
    auth.AskToken: auth.Token,
    account.GetAccounts: account.Chains,
    account.AppendStatement: account.StatementAppended,
    account.SearchDirectory: account.DirectoryFound,
    account.ListDevices: account.DevicesSeen,
    account.OfferDevice: account.DeviceOffered,
    account.ApproveDevice: account.StatementAppended,
    account.Invite: account.Invited,
    account.ListAccounts: account.AccountsListed,
    circle.CreateCircle: circle.EntryAppended,
    circle.AppendEntry: circle.EntryAppended,
    circle.ListCircles: circle.CirclesListed,
    circle.GetLedger: circle.Ledger,
    circle.GetGrants: circle.GrantsGot,
    circle.GiveGrants: circle.GrantsGiven,
    circle.ReportGrants: circle.GrantsReported,
    circle.GetMissing: circle.Missing,
    circle.AskHelp: circle.Help,
    note.PostNote: note.NoteStored,
    note.SyncCircle: note.Notes,
    note.PageCircle: note.Notes,
    note.GetNote: note.Notes,
    note.DiscloseNote: note.NoteProven,
    note.PostReceipts: note.ReceiptsStored,
    note.SyncReceipts: note.Receipts,
    note.GetReceipts: note.Receipts,
    emergency.ShareEscrow: emergency.EscrowShared,
    emergency.ReshareEscrow: emergency.EscrowShared,
    emergency.ListEscrows: emergency.Escrows,
    emergency.LookEmergency: emergency.EmergencyLooked,
    emergency.RequestEmergency: emergency.EmergencyRequested,
    emergency.ListEmergencies: emergency.Emergencies,
    emergency.AnswerEmergency: emergency.EmergencyChanged,
    emergency.WithdrawEmergency: emergency.EmergencyChanged,
    audit.SearchAudit: audit.AuditFound,
    audit.ProveEntry: audit.Proof,
    audit.ProveConsistency: audit.Consistency,
    audit.CircleAccesses: audit.Accesses,
    audit.NoteAccesses: audit.NoteAccessed,
    heads.ProveHeads: heads.HeadsProven,
    alarm.ReportAlarm: alarm.AlarmNoted,
    watch.ListFindings: watch.Findings,
    watch.ReviewFinding: watch.Finding,
    watch.ViewEntry: watch.Viewed,
    watch.TellVerified: watch.VerifiedNoted,
    watch.CountAudit: watch.Volume,
    watch.CountHours: watch.Hours,
    watch.GetRules: watch.Rules,
    watch.SetRules: watch.Rules,
}
"""Socket.IO requests and what answers them."""

EXCHANGES: dict[type[Body], type] = {
    auth.AskChallenge: auth.Challenge,
    auth.AskToken: auth.Token,
    auth.LookInvitation: auth.Invitation,
    auth.Enrol: auth.Enrolled,
    auth.LookJoin: auth.JoinLooked,
    auth.RequestJoin: auth.JoinRequested,
    auth.WaitJoin: auth.JoinAnswered,
}
"""HTTP POST bodies and what answers them."""

EVENTS: tuple[type[Event], ...] = (
    account.StatementAppended,
    account.DeviceRequested,
    circle.EntryAppended,
    circle.GrantsAdded,
    circle.GrantsWanted,
    note.NotePosted,
    note.ReceiptPosted,
    emergency.EmergencyChanged,
    watch.ReviewsDue,
)
"""What the server tells without being asked."""
