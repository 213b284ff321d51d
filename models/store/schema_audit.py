"""The collections of the audit log, of what deserves a look in it, and of its keeping."""

from relais.models.store.declared import CollectionSchema, document, index

AUDIT = (
    CollectionSchema("audit_pending", validator=document({"at": "int", "entry": "binData"})),
    CollectionSchema(
        "audit_log",
        indexes=(
            index("index", unique=True),
            index("circle", "index"),
            index("account", "index"),
        ),
        validator=document(
            {
                "index": "int",
                "at": "int",
                "entry": "binData",
                "account": "string|null",
                "circle": "string|null",
                "action": "string|null",
                "outcome": "string|null",
            },
            optional={"organisation": "string|null", "leaf": "binData"},
        ),
    ),
    CollectionSchema(
        "audit_postings",
        indexes=(index("field", "block", unique=True),),
        validator=document(
            {"field": "string", "block": "int", "places": "binData"},
            optional={"values": "binData", "ends": "binData"},
        ),
    ),
    CollectionSchema(
        "audit_watch",
        indexes=(index("log", unique=True), index("log", "next")),
        validator=document({"log": "string", "next": "int"}),
    ),
    CollectionSchema("audit_people", validator=document({"state": "object"})),
    CollectionSchema(
        "audit_hours",
        indexes=(index("account", "hour"),),
        validator=document({"account": "string", "hour": "int", "ok": "int", "refused": "int"}),
    ),
    CollectionSchema(
        "audit_findings",
        indexes=(
            index("index"),
            index("account", "index"),
            index("account", "at"),
            index("reviewed", "index"),
            index("reviewed", "due"),
        ),
        validator=document(
            {
                "rule": "string",
                "index": "int",
                "at": "int",
                "account": "string|null",
                "circle": "string|null",
                "about": "string|null",
                "count": "int",
                "minutes": "int",
                "reviewed": "bool",
                "reviewed_by": "string|null",
                "reviewed_at": "int|null",
                "verdict": "string|null",
            },
            optional={"kind": "string|null", "due": "int|null", "chased_at": "int|null"},
        ),
    ),
    CollectionSchema("alarms", validator=document({"at": "int"})),
    CollectionSchema("audit_periods", validator=document({"days": "int"})),
    CollectionSchema(
        "audit_holds",
        validator=document(
            {
                "circle": "string|null",
                "account": "string|null",
                "since": "int|null",
                "until": "int|null",
            }
        ),
    ),
    CollectionSchema("audit_pruned", validator=document({"count": "int", "done": "bool"})),
    CollectionSchema(
        "audit_ledgers",
        indexes=(index("ledger", "index"),),
        validator=document({"ledger": "string", "index": "int"}),
    ),
    CollectionSchema(
        "audit_tiles", validator=document({"hashes": "binData", "newest": "int|null"})
    ),
    CollectionSchema(
        "audit_heads",
        indexes=(
            index("log", unique=True),
            index("log", "term", "beat"),
            index("log", "term", "size"),
        ),
        validator=document(
            {
                "log": "string",
                "term": "int",
                "beat": "int",
                "free": "bool",
                "size": "int",
                "rows": "array",
                "newest": "int",
                "late": "int",
                "checkpoint": "binData",
                "vkey": "string",
            },
            optional={"published": "object|null"},
        ),
    ),
)
