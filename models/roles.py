"""The roles an account has with the server: those of the invitation it came of."""

from typing import Literal

AccountRole = Literal[
    "professional", "coordinator", "auditor", "administrator", "bot", "carer", "escrow"
]
