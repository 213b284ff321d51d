"""The audit log as FHIR R4 (4.0.1) AuditEvents: one projection by IHE BALP, one by ANS Traçabilité."""
