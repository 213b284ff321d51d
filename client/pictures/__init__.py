"""Pictures for a territory that does not exist: wounds, prescriptions, discharge plans."""
