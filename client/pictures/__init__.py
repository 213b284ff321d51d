"""Pictures for a territory that does not exist: wounds, prescriptions, discharge plans.

Everything is drawn by the program from a seed, and everybody's name is the caller's to
make up.
"""

from relais.client.pictures.discharge_plans import DischargePlan, draw_discharge_plan
from relais.client.pictures.prescriptions import Prescription, draw_prescription
from relais.client.pictures.wounds import WoundPicture, draw_wound

__all__ = [
    "DischargePlan",
    "Prescription",
    "WoundPicture",
    "draw_discharge_plan",
    "draw_prescription",
    "draw_wound",
]
