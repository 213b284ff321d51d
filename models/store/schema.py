"""Every collection, with its indexes and validators: the one place to declare them, with `schema_audit`.

`apply_schema` makes a database what is declared here, and can be repeated. An index that is no longer declared stays until
a migration drops it.
"""

import hashlib
from collections.abc import Iterable

from relais.models.store.database import Database
from relais.models.store.declared import CollectionSchema, Index, document, index
from relais.models.store.schema_audit import AUDIT

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
