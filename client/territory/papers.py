"""The drawn attachments of the scenes. Everybody named on them is made up."""

from datetime import date, timedelta
from functools import cache

from relais.client import pictures
from relais.client.attachments import File
from relais.client.territory.people import COORDINATOR, PHYSICIAN
from relais.client.territory.scenes import Pictures

_WOUND = 5
_DAYS_BETWEEN = 2


def drawn(today: date) -> Pictures:
    """Pictures for a territory that begins today; the series of the wound is drawn once."""

    @cache
    def wound(step: int) -> File:
        day = today - timedelta(days=_DAYS_BETWEEN * (4 - step))
        drawing = pictures.draw_wound(_WOUND, step, label=f"{day:%d/%m}")
        return File(f"plaie-{step + 1}.jpg", drawing.data)

    return Pictures(
        wound=wound,
        prescription=lambda: File("ordonnance.jpg", _prescription(today)),
        discharge_plan=lambda: File("plan-de-sortie.pdf", _discharge_plan(today)),
    )


def _prescription(today: date) -> bytes:
    paper = pictures.Prescription(
        prescriber=PHYSICIAN.name,
        letterhead=(PHYSICIAN.organisation, "Médecine générale"),
        place="Vernay",
        date=f"{today - timedelta(days=2):%d/%m/%Y}",
        patient="Mme Denise Durand",
        lines=(
            "Furosémide 30 mg : 1 le matin, 1 mois",
            "Paracétamol 1 g : si douleur, 3 par jour au plus",
            "Hydrocellulaire 10 x 10 : 15",
            "Bande de contention classe 2 : 2",
        ),
    )
    return pictures.draw_prescription(paper, seed=3)


def _discharge_plan(today: date) -> bytes:
    leaving = today + timedelta(days=1)
    plan = pictures.DischargePlan(
        hospital=COORDINATOR.organisation,
        ward="Orthopédie",
        coordinator=COORDINATOR.name,
        telephone="03 00 00 00 00",
        patient="M. Robert Chevalier",
        born="19/11/1936",
        home="Saint-Aubin, plain-pied, épouse présente",
        admitted=f"{today - timedelta(days=8):%d/%m/%Y}",
        leaving=f"{leaving:%d/%m/%Y} à 10 h",
        reason="Prothèse totale de hanche droite, suites simples",
        treatments=(
            ("Apixaban 2,5 mg", "1 matin et soir", "35 jours"),
            ("Paracétamol 1 g", "3 par jour", "10 jours"),
        ),
        appointments=(
            (f"{leaving + timedelta(days=14):%d/%m}", "Ablation des agrafes", "À domicile"),
            (f"{leaving + timedelta(days=42):%d/%m}", "Consultation de chirurgie", "Hôpital"),
        ),
        takeovers=(
            ("Cabinet des Tilleuls", "Pansement, injections", f"{leaving:%d/%m}"),
            ("Hugo Lambert", "Rééducation de la marche", f"{leaving + timedelta(days=1):%d/%m}"),
        ),
        alerts=("Fièvre, écoulement, mollet douloureux : appeler le service.",),
    )
    return pictures.draw_discharge_plan(plan)
