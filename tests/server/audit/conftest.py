"""A log of its own for each test."""

import pytest
from audit_store import AuditLog

from relais.models.store.database import Database
from relais.models.store.schema import apply_schema
from relais.models.store.schema_audit import AUDIT
from relais.server.audit.parts import LogStores


@pytest.fixture
async def audit(empty_database: Database) -> AuditLog:
    await apply_schema(empty_database, AUDIT)
    return AuditLog(empty_database, LogStores.of(empty_database))
