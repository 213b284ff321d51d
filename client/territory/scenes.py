"""What happens in the territory's circles, in the order it happens. Texts as colleagues write them."""

from collections.abc import Callable
from dataclasses import dataclass

from relais.client.attachments import File
from relais.client.patient import Patient

Draw = Callable[[], File]
ALL = ("nurse", "physician", "pharmacist")


@dataclass(frozen=True)
class Step:
    """Somebody writes a note; others read or acknowledge it. ``hours``: how long before now."""

    who: str
    text: str
    hours: float
    type: str = "OBS"
    draw: Draw | None = None
    urgent: bool = False
    ask: bool = False
    reply_to: int | None = None
    corrects: int | None = None
    withdraws: int | None = None
    read_by: tuple[str, ...] = ()
    acknowledged_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scene:
    """One circle: who started it, who is in it, what is written. ``emergency``: somebody from outside may be let in."""

    patient: Patient
    lead: str
    members: tuple[str, ...]
    steps: tuple[Step, ...]
    emergency: bool = False


def scenes(pictures: "Pictures") -> list[Scene]:
    return [durand(pictures), chevalier(pictures), marchand(), *others()]


@dataclass(frozen=True)
class Pictures:
    """The drawn attachments of the scenes; ``wound(n)`` is the n-th of a series."""

    wound: Callable[[int], File]
    prescription: Draw
    discharge_plan: Draw


def durand(pictures: Pictures) -> Scene:
    """An ulcer that heals, a dose corrected, a prescription prepared."""
    return Scene(
        Patient("Mme Denise Durand", "F", "1941-05-02", "Vernay"),
        "nurse",
        ("physician", "pharmacist", "nurse-2", "son", "laboratory"),
        (
            Step("nurse", "Ulcère malléolaire droit, 42 × 31 mm. Fibrine sur un tiers, exsudat modéré, berges rouges. "
                 "Pansement hydrocellulaire, bande de contention classe 2.", 190, "INTERV",
                 lambda: pictures.wound(0), read_by=("physician", "nurse-2")),
            Step("physician", "Merci Claire. On continue l’hydrocellulaire, détersion mécanique à chaque passage. "
                 "Prévenez-moi si la douleur dépasse 4.", 186, "INST", reply_to=0, read_by=("nurse", "nurse-2"),
                 acknowledged_by=("nurse",), ask=True),
            Step("nurse-2", "36 × 28 mm. Fibrine en recul, granulation au centre. Douleur 2/10.", 142, "INTERV",
                 lambda: pictures.wound(1), read_by=("nurse", "physician")),
            Step("son", "Maman dort mieux. Elle demande si elle peut retirer la bande la nuit.", 120, "GEN",
                 read_by=("nurse", "physician")),
            Step("physician", "Oui pour la nuit, bande remise avant le lever.", 118, "INST", reply_to=3,
                 read_by=("nurse", "nurse-2", "son")),
            Step("nurse", "29 × 22 mm, bourgeonnement sur les deux tiers. Plus de fibrine adhérente.", 94, "INTERV",
                 lambda: pictures.wound(2), read_by=("physician", "nurse-2")),
            Step("laboratory", "Albumine 31 g/L (35–50) bas\nCRP 12 mg/L (< 5) haut\nHémoglobine 11,8 g/dL (12–16) bas",
                 72, "OBS", read_by=("nurse", "physician")),
            Step("physician", "Furosémide 40 mg le matin à partir de demain (au lieu de 20 mg). Œdèmes des chevilles.",
                 50, "INST", ask=True, read_by=("nurse", "pharmacist"), acknowledged_by=("nurse",)),
            Step("physician", "Furosémide 30 mg le matin à partir de demain (au lieu de 20 mg), et non 40. "
                 "Kaliémie à contrôler dans 8 jours.", 49, "INST", corrects=7, ask=True,
                 read_by=("nurse",), acknowledged_by=("nurse",)),
            Step("physician", "Ordonnance pour la pharmacie.", 48, "INST", lambda: pictures.prescription(),
                 read_by=("pharmacist",)),
            Step("pharmacist", "Reçu. Prêt demain à partir de 14 h, il manque une boîte de pansements.", 46, "GEN",
                 reply_to=9, read_by=("physician", "nurse")),
            Step("pharmacist", "Tout est prêt.", 22, "GEN", reply_to=9, read_by=("nurse",)),
            Step("nurse", "22 × 17 mm. Berges propres, épidermisation débutante. Passage tous les trois jours ?", 3,
                 "DEM-AVIS", lambda: pictures.wound(3)),
        ),
        emergency=True,
    )  # fmt: skip


def chevalier(pictures: Pictures) -> Scene:
    """Home from hospital: a plan to acknowledge, an urgent question."""
    return Scene(
        Patient("M. Robert Chevalier", "M", "1936-11-19", "Saint-Aubin"),
        "coordinator",
        ("nurse", "physician", "pharmacist", "physiotherapist", "social-worker"),
        (
            Step("coordinator", "Retour à domicile prévu vendredi 10 h après prothèse totale de hanche. "
                 "Plan de sortie joint, merci d’en accuser réception.", 70, "INST",
                 lambda: pictures.discharge_plan(), ask=True, read_by=("nurse", "physician", "physiotherapist"),
                 acknowledged_by=("nurse", "physiotherapist")),
            Step("physiotherapist", "Première séance samedi 9 h. Escalier : huit marches, rampe à droite.", 64, "GEN",
                 reply_to=0, read_by=("coordinator", "nurse")),
            Step("social-worker", "Portage des repas demandé, accord attendu lundi.", 52, "GEN",
                 read_by=("coordinator",)),
            Step("nurse", "Anticoagulant : la dose de ce soir est-elle faite à l’hôpital ou à domicile ?", 5,
                 "DEM-AVIS", urgent=True, ask=True, read_by=("physician",)),
        ),
    )  # fmt: skip


def marchand() -> Scene:
    """A note withdrawn, a colleague asked."""
    return Scene(
        Patient("Mme Odette Marchand", "F", "1948-02-27", "Montclair"),
        "physician",
        ("nurse", "physician-2", "laboratory"),
        (
            Step("laboratory", "INR 3,9 (2,0–3,0) haut", 30, "OBS", urgent=True, ask=True,
                 read_by=("physician", "nurse"), acknowledged_by=("physician",)),
            Step("physician", "Sauter la prise de ce soir, reprendre demain à 3/4. INR dans 48 h.", 29, "INST",
                 reply_to=0, ask=True, read_by=("nurse",), acknowledged_by=("nurse",)),
            Step("nurse", "Tension 14/8, pas de saignement.", 26, "OBS", read_by=("physician",)),
            Step("nurse", "Glycémie 1,2 g/L.", 25.9, "OBS"),
            Step("nurse", "Erreur de dossier.", 25.8, withdraws=3),
            Step("physician", "Élise, ton avis sur un relais par anticoagulant direct ? Clairance 48 mL/min.", 24,
                 "DEM-AVIS", read_by=("physician-2",)),
            Step("laboratory", "INR de contrôle 4,2 (2,0–3,0) haut", 1, "OBS", urgent=True, ask=True,
                 read_by=("physician",)),
        ),
    )  # fmt: skip


_OTHERS = (
    ("M. Georges Fontaine", "M", "1950-07-08", "La Roche"),
    ("Mme Simone Picard", "F", "1939-09-30", "Vernay"),
    ("M. Marcel Roussel", "M", "1944-12-11", "Charmoy"),
    ("Mme Ginette Leroux", "F", "1953-03-16", "Les Ormes"),
    ("Mme Jacqueline Prévost", "F", "1946-08-21", "Pont-le-Vieux"),
)


def others() -> list[Scene]:
    """Quiet circles, so that the list looks like a working week."""
    return [
        Scene(
            Patient(*patient),
            "nurse",
            ("physician", "pharmacist", "coordinator"),
            (
                Step("nurse", "Pilulier préparé pour la semaine. Tension 13/7.", 40 + 6 * row, read_by=("physician",)),
                Step("physician", "Vu en visite ce matin, traitement inchangé.", 1.5 + 5 * row, "GEN"),
            ),
        )
        for row, patient in enumerate(_OTHERS)
    ]  # fmt: skip


ANNOUNCEMENT = (
    "Laboratoire et radiologie de l’hôpital : fermés lundi et mardi pour travaux. Prélèvements urgents au service "
    "d’accueil, résultats par le circuit habituel. Merci d’en accuser réception."
)
"""What the coordinator sends to every circle at once."""
ANNOUNCEMENT_HOURS = 28.0
"""How long before now: each circle has gone on since."""
