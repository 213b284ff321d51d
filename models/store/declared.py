"""How a collection is declared: its indexes, and the validator its documents satisfy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pymongo import IndexModel


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
