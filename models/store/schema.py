"""Every collection, with its indexes and validators: the one place to declare them.

`apply_schema` makes a database what is declared here, and can be repeated. An index that is no longer declared stays until
a migration drops it.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pymongo import IndexModel

from relais.models.store.database import Database


@dataclass(frozen=True)
class Index:
    """Fields in order, ascending (1) or descending (-1). `expire_seconds` counts from the first field, a date."""

    keys: tuple[tuple[str, int], ...]
    unique: bool = False
    sparse: bool = False
    partial: Mapping[str, Any] | None = None
    expire_seconds: int | None = None

    def model(self) -> IndexModel:
        options: dict[str, Any] = {"unique": self.unique, "sparse": self.sparse}
        if self.partial is not None:
            options["partialFilterExpression"] = dict(self.partial)
        if self.expire_seconds is not None:
            options["expireAfterSeconds"] = self.expire_seconds
        return IndexModel(
            list(self.keys), **{key: value for key, value in options.items() if value is not False}
        )


def index(*fields: str, unique: bool = False) -> Index:
    """A plain ascending index."""
    return Index(tuple((name, 1) for name in fields), unique=unique)


@dataclass(frozen=True)
class CollectionSchema:
    """A collection: its indexes beside that of `_id`, and the `$jsonSchema` its documents satisfy ({}: any)."""

    name: str
    indexes: tuple[Index, ...] = ()
    validator: Mapping[str, Any] = field(default_factory=dict)


INTEGER = ["int", "long"]  # the driver takes the shorter one that fits


def document(
    required: Mapping[str, str], optional: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A validator for flat documents: field → BSON type ("int": of any width; "int|null": or null). No field may be
    there that is not named; `_id` always may."""
    fields = {**required, **(optional or {})}
    properties = {name: {"bsonType": _types(kind)} for name, kind in fields.items()}
    return {
        "bsonType": "object",
        "required": sorted(required),
        "properties": {"_id": {}, **properties},
        "additionalProperties": False,
    }


def _types(kind: str) -> list[str]:
    """The BSON types of a kind such as "string" or "int|null"."""
    return [one for name in kind.split("|") for one in (INTEGER if name == "int" else [name])]


BLOBS = (
    # GridFS (bucket "blobs"), so that any of its tools can read them.
    CollectionSchema(
        "blobs.files",
        indexes=(
            index("filename", unique=True),
            index("filename", "metadata.referenced"),
            index("metadata.referenced", "uploadDate"),
        ),
    ),
    CollectionSchema("blobs.chunks", indexes=(index("files_id", "n", unique=True),)),
    CollectionSchema(
        "blob_uploads",
        indexes=(
            index("blob", "owner", "offset"),
            index("blob", "owner", unique=True),
            index("touched"),
        ),
        validator=document(
            {
                "blob": "string",
                "owner": "string",
                "size": "int",
                "offset": "int",
                "tail": "binData",
            }
            | {"touched": "date"}
        ),
    ),
    CollectionSchema(
        "blob_references",
        indexes=(index("blob", "circle", unique=True),),
        validator=document({"blob": "string", "circle": "string"}),
    ),
)

PEOPLE = (
    CollectionSchema(
        "accounts",
        indexes=(index("number", unique=True), index("roles")),
        validator=document(
            {
                "number": "number",
                "seq": "number",
                "head": "string",
                "roles": "array",
                "name": "string",
                "profession": "string",
                "organisation": "string",
                "enrolled_at": "number",
                "seen_at": "number|null",
            },
            optional={"replaced_by": "string", "doors": "object"},
        ),
    ),
    CollectionSchema(
        "statements",
        indexes=(index("account", "seq", unique=True),),
        validator=document({"account": "string", "seq": "number", "statement": "binData"}),
    ),
    CollectionSchema(
        "devices", validator=document({"account": "string", "seen_at": "number|null"})
    ),
    CollectionSchema(
        "invitations",
        indexes=(Index((("expires", 1),), expire_seconds=0),),
        validator=document(
            {
                "roles": "array",
                "organisation": "string",
                "expires_at": "number",
                "expires": "date",
            },
            optional={"resets": "string|null"},
        ),
    ),
    CollectionSchema(
        "challenges",
        indexes=(Index((("expires", 1),), expire_seconds=0),),
        validator=document({"expires": "date"}),
    ),
    CollectionSchema("joins", indexes=(Index((("expires", 1),), expire_seconds=0),)),
    CollectionSchema("counters", validator=document({"last": "number"})),
    CollectionSchema("settings"),
)

CIRCLES = (
    CollectionSchema(
        "circles",
        validator=document(
            {
                "seq": "number",
                "head": "string",
                "closed": "bool",
                "revision": "number",
                "grants": "number",
                "profile": "binData|null",
                "profile_version": "number",
            }
        ),
    ),
    CollectionSchema(
        "entries",
        indexes=(index("circle", "seq", unique=True),),
        validator=document({"circle": "string", "seq": "number", "entry": "binData"}),
    ),
    CollectionSchema(
        "members",
        indexes=(index("account", "circle", unique=True),),
        validator=document({"account": "string", "circle": "string"}),
    ),
    CollectionSchema(
        "grants",
        indexes=(index("circle", "seq", unique=True), index("circle", "device", "seq")),
        validator=document(
            {
                "circle": "string",
                "seq": "number",
                "account": "string",
                "device": "string",
                "keys": "array",
                "grant": "binData",
            },
            {"granter": "string", "unopenable": "bool"},
        ),
    ),
    CollectionSchema(
        "notes",
        indexes=(
            index("circle", "seq", unique=True),
            index("circle", "note", "version", unique=True),
        ),
        validator=document(
            {
                "circle": "string",
                "seq": "number",
                "note": "string",
                "version": "number",
                "kind": "string",
                "account": "string",
                "at": "number",
                "urgent": "bool",
                "digest": "string",
                "envelope": "binData",
            }
        ),
    ),
    CollectionSchema(
        "receipts",
        indexes=(
            index("circle", "seq", unique=True),
            index("circle", "note", "version", "device", "kind", unique=True),
        ),
        validator=document(
            {
                "circle": "string",
                "seq": "number",
                "note": "string",
                "version": "number",
                "device": "string",
                "kind": "string",
                "account": "string",
                "at": "number",
                "receipt": "binData",
            }
        ),
    ),
    CollectionSchema(
        "positions",
        indexes=(index("account", "circle", unique=True),),
        validator=document({"account": "string", "circle": "string", "seq": "number"}),
    ),
)

EMERGENCIES = (
    CollectionSchema(
        "escrows",
        indexes=(index("account"), index("guardians")),
        validator=document(
            {"account": "string", "guardians": "array", "at": "number", "statement": "binData"}
        ),
    ),
    CollectionSchema(
        "escrow_shares",
        indexes=(index("escrow_device"),),
        validator=document({"escrow_device": "string", "device": "string", "sealed": "binData"}),
    ),
    CollectionSchema(
        "emergency_doors",
        indexes=(index("request"),),
        validator=document({"request": "string"}),
    ),
    CollectionSchema(
        "emergencies",
        indexes=(
            index("account", "at"),
            index("guardians", "at"),
            index("circle", "at"),
            index("escrow", "approved_at"),
            index("state", "escrow"),
        ),
        validator=document(
            {
                "circle": "string",
                "account": "string",
                "escrow": "string",
                "at": "number",
                "until": "number",
                "changes": "number",
                "state": "string",
                "request": "binData",
                "guardians": "array",
                "answers": "array",
                "explained": "array",
                "escrow_device": "string|null",
                "approved_at": "number|null",
                "closed_at": "number|null",
            }
        ),
    ),
)

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

COLLECTIONS: tuple[CollectionSchema, ...] = (
    *PEOPLE,
    *CIRCLES,
    *EMERGENCIES,
    *AUDIT,
    *BLOBS,
)


def fingerprint(collections: Iterable[CollectionSchema]) -> str:
    """Differs when what is declared differs. Hex."""
    return hashlib.sha256(repr(tuple(collections)).encode()).hexdigest()


async def apply_schema(
    database: Database, collections: Iterable[CollectionSchema] = COLLECTIONS
) -> None:
    """Make collections, validators and indexes what is declared."""
    async with database.using():
        existing = set(await database.raw.list_collection_names())
    for collection in collections:
        validator = {"$jsonSchema": dict(collection.validator)} if collection.validator else {}
        async with database.using():
            if collection.name in existing:
                await database.raw.command("collMod", collection.name, validator=validator)
            else:
                await database.raw.create_collection(collection.name, validator=validator)
            if collection.indexes:
                await database.raw[collection.name].create_indexes(
                    [i.model() for i in collection.indexes]
                )
