import io
import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from PIL import Image, ImageDraw, ImageStat

from relais.client.images import PreparedDocument, PreparedImage, prepare_attachment, prepare_image
from relais.client.pictures import (
    DischargePlan,
    Prescription,
    draw_discharge_plan,
    draw_prescription,
    draw_wound,
)
from relais.client.pictures import textures as tx
from relais.client.pictures.handwriting import curve, write
from relais.client.pictures.pdf import Page, folded, text_width

PRESCRIPTION = Prescription(
    prescriber="Dr Hélène Vautrin",
    letterhead=("Médecin généraliste", "12, rue des Érables", "21999 Saint-Fictif"),
    place="Saint-Fictif",
    date="12/03/2026",
    patient="Mme Françoise Lebœuf, née le 04/07/1941",
    lines=(
        "Furosémide 40 mg : 1 comprimé le matin, pendant 15 jours",
        "Bas de contention (2 paires)",
    ),
)
PLAN = DischargePlan(
    hospital="Centre hospitalier de Valfleury",
    ward="Médecine gériatrique",
    coordinator="Nadia Belkacem, coordinatrice",
    telephone="03 00 00 00 12",
    patient="Mme Odette Marchand",
    born="née le 04/07/1941",
    home="3, impasse des Lavandières, 21999 Saint-Fictif",
    admitted="27/02/2026",
    leaving="12/03/2026",
    reason="Décompensation cardiaque (stade II) ; ulcère veineux de la jambe droite",
    treatments=(("Furosémide 40 mg", "1 comprimé le matin", "26/03/2026"),),
    appointments=(("19/03/2026 à 10 h 30", "Cardiologie", "Valfleury, bâtiment B"),),
    takeovers=(("Cabinet infirmier des Érables", "Pansement un jour sur deux", "13/03/2026"),),
    alerts=("prise de plus de 2 kg en trois jours ;", "fièvre."),
)
SERIES = [1, 2, 3, 8, 11]

Drawn: dict[str, Callable[[int], bytes]] = {
    "wound": lambda seed: draw_wound(seed, 1).data,
    "prescription": lambda seed: draw_prescription(PRESCRIPTION, seed=seed),
}


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def raw_area(picture: Image.Image) -> int:
    """Pixels much redder than any skin, or black: what only a wound's bed has."""
    picture = picture.crop((120, 60, 760, 480)).resize((320, 210), Image.Resampling.BOX)
    pixels = picture.tobytes()
    triples = zip(pixels[::3], pixels[1::3], pixels[2::3], strict=True)
    return sum(r > 2.1 * g or max(r, g, b) < 45 for r, g, b in triples)


@pytest.mark.parametrize("kind", Drawn)
def test_a_seed_repeats_its_picture_and_another_gives_another(kind: str) -> None:
    assert Drawn[kind](5) == Drawn[kind](5)
    assert Drawn[kind](5) != Drawn[kind](6)


@pytest.mark.parametrize("kind", Drawn)
def test_a_picture_is_a_plain_jpeg_that_can_be_attached(kind: str) -> None:
    data = Drawn[kind](5)
    prepared = prepare_attachment(data)
    assert isinstance(prepared, PreparedImage)
    assert prepared.media_type == "image/jpeg"
    assert len(data) < 300_000
    assert min(ImageStat.Stat(opened(data)).stddev) > 10


@pytest.mark.parametrize("seed", SERIES)
def test_each_wound_of_a_series_is_smaller_and_cleaner_than_the_one_before(seed: int) -> None:
    series = [draw_wound(seed, step) for step in range(6)]
    for before, after in pairwise(series):
        assert after.length_mm < before.length_mm
        assert after.width_mm < before.width_mm
        assert after.slough + after.necrosis < before.slough + before.necrosis
        assert raw_area(opened(after.data)) < raw_area(opened(before.data))
    assert series[0].necrosis > 10
    assert (series[-1].slough, series[-1].necrosis, series[-1].granulation) == (0, 0, 100)


@pytest.mark.parametrize("seed", SERIES)
def test_the_tissues_of_a_wound_make_up_its_bed(seed: int) -> None:
    for step in range(6):
        wound = draw_wound(seed, step)
        assert wound.granulation + wound.slough + wound.necrosis == 100
        assert wound.length_mm > wound.width_mm > 5


def test_a_wound_changes_only_by_healing_so_that_a_series_is_of_one_person() -> None:
    first, later = (opened(draw_wound(4, step).data) for step in (0, 5))
    corner = (20, 90, 120, 190)  # skin, away from wound and ruler
    ours, theirs = (ImageStat.Stat(one.crop(corner)).mean for one in (first, later))
    assert all(abs(a - b) < 24 for a, b in zip(ours, theirs, strict=True))


def test_a_series_may_have_any_length_and_a_step_must_lie_in_it() -> None:
    assert draw_wound(1, 0, steps=1).length_mm > 40
    assert draw_wound(1, 9, steps=10).length_mm < draw_wound(1, 5, steps=10).length_mm
    for step in (-1, 6):
        with pytest.raises(ValueError, match="outside the series"):
            draw_wound(1, step)


def test_the_label_is_written_on_the_ruler() -> None:
    assert draw_wound(1, 0, label="12/03").data != draw_wound(1, 0).data


def test_more_lines_than_the_paper_holds_are_refused() -> None:
    with pytest.raises(ValueError, match="more lines"):
        draw_prescription(replace(PRESCRIPTION, lines=("Paracétamol 1 g",) * 20), seed=1)


def test_a_letter_the_hand_does_not_write_is_refused_and_french_is_not() -> None:
    french = "Àâçéèêëîïôùûüÿ œuf l’été 1/2 + 3 × 4 = 14 % ? ! ; : (a-b) 37,5°"
    assert draw_prescription(replace(PRESCRIPTION, lines=(french,)), seed=1)
    for line in ("痛", "ł", "a\N{COMBINING TILDE}"):
        with pytest.raises(ValueError, match="does not write"):
            draw_prescription(replace(PRESCRIPTION, lines=(line,)), seed=1)


def test_the_pen_writes_between_the_lines_and_goes_on_to_the_right() -> None:
    mask = Image.new("L", (900, 200))
    end = write(ImageDraw.Draw(mask), (50, 120), "Ordonnance", height=60, rng=Random(1))
    box = mask.getbbox()
    assert box is not None
    left, top, right, bottom = box
    assert 40 < left < 70
    assert 40 < top < 80
    assert 110 < bottom < 140
    assert right <= end < 900


def test_a_curve_passes_through_its_points() -> None:
    points = [(0.0, 0.0), (10.0, 5.0), (20.0, -5.0)]
    path = curve(points, steps=4)
    assert path[::4] == points
    assert len(path) == 9


def test_noise_repeats_by_its_seed_and_uses_the_whole_range() -> None:
    first, again, other = (tx.noise(Random(seed), (200, 100), cell=5) for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes() != other.tobytes()
    assert first.size == (200, 100)
    assert (min(first.tobytes()) < 30, max(first.tobytes()) > 220) == (True, True)


def test_a_quantile_covers_the_share_it_is_asked_for() -> None:
    field = Image.linear_gradient("L")
    everywhere = Image.new("L", field.size, 255)
    for share in (0.1, 0.5, 0.9):
        assert abs(tx.quantile(field, everywhere, share) - 255 * share) < 3
    assert tx.quantile(field, Image.new("L", field.size), 0.5) == 0


def contents(pdf: bytes) -> str:
    found = re.search(rb"stream\n(.*)\nendstream", pdf, re.DOTALL)
    assert found is not None
    return zlib.decompress(found[1]).decode("cp1252")


def test_a_discharge_plan_says_all_that_it_was_given() -> None:
    page = contents(draw_discharge_plan(PLAN))
    shown = " ".join(re.findall(r"\((.*?)\) Tj", page)).replace("\\", "")
    for text in (
        "Plan de sortie",
        "Odette Marchand",
        "Lavandières",
        "Furosémide 40 mg",
        "(stade II)",
    ):
        assert text in shown
    for rows in (PLAN.treatments, PLAN.appointments, PLAN.takeovers):
        for cell in (cell for row in rows for cell in row):
            assert cell in shown


def test_a_discharge_plan_is_a_sound_file_of_one_page() -> None:
    pdf = draw_discharge_plan(PLAN)
    assert pdf == draw_discharge_plan(PLAN)
    assert isinstance(prepare_attachment(pdf), PreparedDocument)
    start = int(re.findall(rb"startxref\n(\d+)\n%%EOF\n$", pdf)[0])
    assert pdf[start:].startswith(b"xref\n0 8\n")
    offsets = [int(one) for one in re.findall(rb"(\d{10}) 00000 n \n", pdf[start:])]
    assert [pdf[at:].split(b" ", 1)[0] for at in offsets] == [b"%d" % n for n in range(1, 8)]
    (length,) = re.findall(rb"/Length (\d+)", pdf)
    body = pdf[pdf.index(b"stream\n") + 7 :]
    assert body[int(length) :].startswith(b"\nendstream")
    assert b"/Count 1" in pdf


def test_a_plan_longer_than_a_page_is_refused() -> None:
    rows = (("Paracétamol 1 g", "si douleur", "besoin"),) * 40
    with pytest.raises(ValueError, match="longer than a page"):
        draw_discharge_plan(replace(PLAN, treatments=rows))


def test_text_that_the_page_cannot_encode_is_refused() -> None:
    with pytest.raises(ValueError, match="encode"):
        Page().text((0, 0), "痛", size=10)
    Page().text((0, 0), "œuvre à 5 € – l’été…", size=10)


def test_lines_are_folded_at_the_width_and_lose_no_word() -> None:
    text = "Pansement un jour sur deux, photo à chaque réfection ; pesée chaque matin à jeun"
    lines = folded(text, size=10, width=120)
    assert " ".join(lines) == text
    assert len(lines) > 2
    assert all(text_width(line, size=10) <= 120 for line in lines)
    assert folded("anticonstitutionnellement", size=10, width=20) == ["anticonstitutionnellement"]
    assert text_width("été", size=10) == text_width("ete", size=10)


def test_a_picture_survives_being_made_ready_for_a_note() -> None:
    wound = draw_wound(1, 0)
    prepared = prepare_image(wound.data)
    assert (prepared.width, prepared.height) == opened(wound.data).size
    assert abs(raw_area(opened(prepared.data)) / raw_area(opened(wound.data)) - 1) < 0.05
