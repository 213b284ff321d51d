"""Who lives in the territory. The figures are those of a real one of 62,000 inhabitants; the names are not."""

from dataclasses import dataclass
from random import Random

from relais.models.roles import AccountRole

TOWNS = ("Vernay", "Saint-Aubin", "La Roche", "Montclair", "Les Ormes", "Pont-le-Vieux", "Charmoy")
_FIRST = [
    "Agathe",
    "Bruno",
    "Camille",
    "Denis",
    "Émilie",
    "Fabrice",
    "Gaëlle",
    "Hervé",
    "Inès",
    "Jérôme",
    "Karine",
    "Laurent",
    "Mathilde",
    "Nicolas",
    "Océane",
    "Patrick",
    "Quitterie",
    "Rachel",
    "Stéphane",
    "Théo",
    "Ursule",
    "Valérie",
    "William",
    "Xavier",
    "Yasmine",
    "Zoé",
    "Arthur",
    "Brigitte",
    "Cédric",
    "Delphine",
]
_LAST = [
    "Aubry",
    "Besson",
    "Carlier",
    "Dumont",
    "Évrard",
    "Ferrand",
    "Giraud",
    "Humbert",
    "Imbert",
    "Jacquet",
    "Kessler",
    "Langlois",
    "Masson",
    "Navarro",
    "Olivier",
    "Perrot",
    "Quentin",
    "Rivière",
    "Simonet",
    "Tessier",
    "Urbain",
    "Vasseur",
    "Weber",
    "Yvon",
    "Zeller",
    "Blanchet",
    "Cordier",
    "Delmas",
    "Fournel",
    "Grandjean",
]


@dataclass(frozen=True)
class Person:
    """``key`` names somebody in the scenes; ``role`` is the account's role."""

    key: str
    name: str
    profession: str
    organisation: str
    role: AccountRole = "professional"


ADMINISTRATOR = Person(
    "administrator", "Marc Petit", "Administrateur", "CPTS du Val de Vernay", "administrator"
)
NURSE = Person("nurse", "Claire Morel", "Infirmière", "Cabinet infirmier des Tilleuls, Vernay")
PHYSICIAN = Person(
    "physician", "Dr Antoine Bernard", "Médecin généraliste", "Maison de santé de Vernay"
)
PHARMACIST = Person("pharmacist", "Sophie Lemaire", "Pharmacienne", "Pharmacie des Halles, Vernay")
COORDINATOR = Person(
    "coordinator",
    "Julien Faure",
    "Coordinateur hospitalier",
    "Hôpital du Val de Vernay",
    "coordinator",
)
AUDITOR = Person(
    "auditor",
    "Isabelle Renaud",
    "Déléguée à la protection des données",
    "CPTS du Val de Vernay",
    "auditor",
)

ESCROW = Person(
    "escrow",
    "Accès d’urgence · CPTS du Val de Vernay",
    "Accès d’urgence",
    "CPTS du Val de Vernay",
    "escrow",
)
"""No person: an account that three people open together."""
GUARDIANS = (ADMINISTRATOR, PHYSICIAN, PHARMACIST)
QUORUM = 2
"""So many of them let somebody in."""

SHOWN = (NURSE, PHYSICIAN, PHARMACIST, COORDINATOR, AUDITOR, ADMINISTRATOR)
"""Those whose links the demo prints."""

CAST = (
    NURSE,
    PHYSICIAN,
    PHARMACIST,
    COORDINATOR,
    AUDITOR,
    Person("nurse-2", "Nadia Benali", "Infirmière", "Cabinet infirmier des Tilleuls, Vernay"),
    Person(
        "physician-2", "Dr Élise Garnier", "Médecin généraliste", "Maison de santé de Saint-Aubin"
    ),
    Person(
        "physiotherapist",
        "Hugo Lambert",
        "Kinésithérapeute",
        "Cabinet de kinésithérapie, Montclair",
    ),
    Person("social-worker", "Amélie Caron", "Assistante sociale", "Conseil départemental"),
    Person("son", "Paul Durand", "Fils de Mme Durand", "", "carer"),
    Person("laboratory", "Laboratoire Biovernay", "Laboratoire", "Laboratoire Biovernay", "bot"),
)
"""Those who write in the scenes, besides the administrator."""

_PRACTICES = (
    ("Médecin généraliste", "Cabinet médical", 35),
    ("Infirmière", "Cabinet infirmier", 27),
    ("Kinésithérapeute", "Cabinet de kinésithérapie", 15),
    ("Pharmacienne", "Pharmacie", 13),
)


def neighbours() -> list[Person]:
    """The territory's other practices, for the directory: each with one account."""
    draw = Random("the territory's practices")
    people = []
    for row, (profession, practice, count) in enumerate(_PRACTICES):
        there = sum(one.profession == profession for one in CAST)
        for number in range(there, count):
            title = "Dr " if row == 0 else ""
            name = f"{title}{draw.choice(_FIRST)} {draw.choice(_LAST)}"
            where = f"{practice}, {draw.choice(TOWNS)}"
            people.append(Person(f"practice-{row}-{number}", name, profession, where))
    return people
