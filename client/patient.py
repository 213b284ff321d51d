"""The four fields a circle starts with (docs/protocol.md §6): sealed in the circle's profile, nowhere else."""

import re
from dataclasses import dataclass
from datetime import date

from relais.client.errors import ClientError
from relais.crypto.content import Content, Form

SCHEMA = "relais/patient/1"


class BadPatient(ClientError):
    """A circle needs a name, a sex (F, M or U), a birth date (YYYY-MM-DD) and a place."""


@dataclass(frozen=True)
class Patient:
    name: str
    sex: str
    born: str
    place: str

    def __post_init__(self) -> None:
        if not self.name.strip() or not self.place.strip() or self.sex not in ("F", "M", "U"):
            raise BadPatient
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", self.born):
            raise BadPatient
        try:
            date.fromisoformat(self.born)
        except ValueError:
            raise BadPatient from None


def profile_of(patient: Patient) -> Content:
    data = {"name": patient.name, "sex": patient.sex, "born": patient.born, "place": patient.place}
    return Content(
        type="PROFILE",
        text=patient.name,
        form=Form(SCHEMA, data),
        attachments=(),
        reply_to=None,
        broadcast=None,
    )
