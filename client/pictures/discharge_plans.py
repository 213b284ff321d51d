"""A made-up discharge plan: one page of PDF, as a hospital's coordinator sends it."""

from collections.abc import Sequence
from dataclasses import dataclass

from relais.client.pictures.pdf import A4, Colour, Page, folded

_LEFT, _RIGHT = 46, A4[0] - 46
_BLUE: Colour = (0.1, 0.32, 0.5)
_PALE: Colour = (0.92, 0.95, 0.97)
_GREY: Colour = (0.42, 0.47, 0.52)
_WHITE: Colour = (1, 1, 1)
_SIZE, _LEADING = 9.5, 12.5
_END = A4[1] - 52


@dataclass(frozen=True)
class DischargePlan:
    """What the page says, ready to print. Names are the caller's and must be made up.

    `treatments`: (medicine, dose, until) · `appointments`: (when, what, where) ·
    `takeovers`: (who, takes over what, from when) · `alerts`: what to call about.
    """

    hospital: str
    ward: str
    coordinator: str
    telephone: str
    patient: str
    born: str
    home: str
    admitted: str
    leaving: str
    reason: str
    treatments: tuple[tuple[str, str, str], ...]
    appointments: tuple[tuple[str, str, str], ...]
    takeovers: tuple[tuple[str, str, str], ...]
    alerts: tuple[str, ...]


def draw_discharge_plan(plan: DischargePlan) -> bytes:
    """The plan as a PDF file of one page; the same plan gives the same bytes.

    Raises ValueError when it does not fit on the page, or for a character not in CP1252.
    """
    sheet = _Sheet(Page())
    sheet.heading(plan)
    sheet.facts(
        [
            ("Patient", f"{plan.patient}, {plan.born}"),
            ("Domicile", plan.home),
            ("Séjour", f"du {plan.admitted} au {plan.leaving}"),
            ("Motif", plan.reason),
        ]
    )
    sheet.table("Traitements à la sortie", ("Médicament", "Posologie", "Jusqu'au"), plan.treatments)
    sheet.table("Rendez-vous", ("Quand", "Quoi", "Où"), plan.appointments)
    sheet.table("Qui prend le relais", ("Qui", "Quoi", "À partir du"), plan.takeovers)
    sheet.bullets("Prévenir sans attendre si", plan.alerts)
    sheet.foot(f"{plan.coordinator} · {plan.telephone} · Document fictif, sans valeur médicale")
    return sheet.page.to_pdf(title="Plan de sortie")


class _Sheet:
    """A page being filled from the top down."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._y = 0.0

    def heading(self, plan: DischargePlan) -> None:
        page = self.page
        page.box((0, 0), (A4[0], 74), colour=_BLUE)
        page.text((_LEFT, 33), plan.hospital, size=17, bold=True, colour=_WHITE)
        page.text((_LEFT, 54), plan.ward, size=10.5, colour=_WHITE)
        page.text((_LEFT, 108), "Plan de sortie", size=20, bold=True)
        page.text((_LEFT, 125), f"Retour à domicile le {plan.leaving}", size=11, colour=_BLUE)
        self._y = 140

    def facts(self, facts: Sequence[tuple[str, str]]) -> None:
        """Names and their values, on a pale ground."""
        rows = [(name, folded(value, size=10, width=_RIGHT - _LEFT - 100)) for name, value in facts]
        height = sum(len(lines) for _, lines in rows) * 15 + 12
        self.page.box((_LEFT, self._y), (_RIGHT - _LEFT, height), colour=_PALE)
        y = self._y + 17
        for name, lines in rows:
            self.page.text((_LEFT + 10, y), name, size=10, bold=True)
            for line in lines:
                self.page.text((_LEFT + 84, y), line, size=10)
                y += 15
        self._advance(height)

    def table(
        self, title: str, heads: tuple[str, str, str], rows: Sequence[tuple[str, str, str]]
    ) -> None:
        self._title(title)
        columns = (_LEFT, _LEFT + 190, _LEFT + 400)
        for x, head in zip(columns, heads, strict=True):
            self.page.text((x, self._y), head, size=8.5, bold=True, colour=_GREY)
        self._rule(5)
        for row in rows:
            self._row(columns, row)

    def bullets(self, title: str, lines: Sequence[str]) -> None:
        self._title(title)
        for line in lines:
            for index, part in enumerate(folded(line, size=_SIZE, width=_RIGHT - _LEFT - 14)):
                if index == 0:
                    self.page.text((_LEFT, self._y), "•", size=_SIZE, colour=_BLUE)
                self.page.text((_LEFT + 14, self._y), part, size=_SIZE)
                self._advance(_LEADING + 1)

    def foot(self, text: str) -> None:
        self.page.box((_LEFT, A4[1] - 44), (_RIGHT - _LEFT, 0.6), colour=_GREY)
        self.page.text((_LEFT, A4[1] - 30), text, size=8.5, colour=_GREY)

    def _row(self, columns: tuple[float, ...], row: Sequence[str]) -> None:
        ends = (*columns[1:], _RIGHT)
        cells = [
            folded(cell, size=_SIZE, width=end - start - 10)
            for cell, start, end in zip(row, columns, ends, strict=True)
        ]
        for x, lines in zip(columns, cells, strict=True):
            for index, line in enumerate(lines):
                self.page.text((x, self._y + index * _LEADING), line, size=_SIZE)
        self._advance((max(map(len, cells)) - 1) * _LEADING)
        self._rule(4.5)

    def _title(self, title: str) -> None:
        self._advance(24)
        self.page.text((_LEFT, self._y), title, size=12, bold=True, colour=_BLUE)
        self._advance(16)

    def _rule(self, gap: float) -> None:
        self.page.box((_LEFT, self._y + gap), (_RIGHT - _LEFT, 0.4), colour=_GREY)
        self._advance(gap + 11.5)

    def _advance(self, height: float) -> None:
        self._y += height
        if self._y > _END:
            raise ValueError("the plan is longer than a page")
