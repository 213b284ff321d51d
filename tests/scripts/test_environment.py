"""How the scripts find their way on a machine that has only just cloned the project."""

import os
import sys
from pathlib import Path

import _browser
import _environment
import pytest


def program(folder: Path, name: str, script: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty PATH, and a Python started by a name that is too new."""
    newer = program(tmp_path, "python3.99", "echo 3 99")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(newer))
    return tmp_path


def test_another_python_on_the_path_is_taken_where_ours_is_too_new(machine: Path) -> None:
    fitting = program(machine, "python3.12", "echo 3 12")
    assert _environment.find_python() == str(fitting)


def test_a_python_without_venv_is_passed_over(machine: Path) -> None:
    program(machine, "python3.13", "exit 1")
    fitting = program(machine, "python3.11", "echo 3 11")
    assert _environment.find_python() == str(fitting)


def test_where_no_python_fits_one_line_says_which_is_needed(
    machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program(machine, "python3.13", "exit 1")
    with pytest.raises(SystemExit):
        _environment.find_python()
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert "needs Python 3.11 to 3.13" in said[0]


@pytest.mark.parametrize(
    ("version", "fits"),
    [((3, 10), False), ((3, 11), True), ((3, 13), True), ((3, 14), False), (None, False)],
)
def test_only_a_python_the_embedded_database_has_wheels_for_fits(
    version: tuple[int, int] | None, fits: bool
) -> None:
    assert _environment.supports(version) is fits


@pytest.fixture
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "requirements").mkdir()
    for name in ("runtime", "build", "dev", "embedded"):
        (tmp_path / "requirements" / f"{name}.txt").write_text(name)
    for name in ("pyproject.toml", "hatch_build.py"):
        (tmp_path / name).write_text(name)
    for constant, value in {"ROOT": "", "VENV": "", "REQUIREMENTS": "requirements"}.items():
        monkeypatch.setattr(_environment, constant, tmp_path / value)
    return tmp_path


def test_an_environment_stays_fresh_until_a_lock_changes(locks: Path) -> None:
    assert not _environment.is_fresh("runtime")
    _environment.stamp("runtime").write_text(_environment.digest("runtime"))
    assert _environment.is_fresh("runtime")
    assert not _environment.is_fresh("dev")
    (locks / "requirements" / "runtime.txt").write_text("newer")
    assert not _environment.is_fresh("runtime")


def test_the_tools_environment_serves_the_demonstration_too(locks: Path) -> None:
    _environment.stamp("dev").write_text(_environment.digest("dev"))
    assert _environment.is_fresh("runtime")


def test_the_browser_that_is_named_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = program(tmp_path, "mine", "echo Chromium 140")
    monkeypatch.setenv("RELAIS_TEST_BROWSER", str(named))
    assert _browser.find() == str(named)


def test_a_named_browser_that_does_not_start_is_an_error_and_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RELAIS_TEST_BROWSER", str(program(tmp_path, "mine", "exit 1")))
    with pytest.raises(SystemExit):
        _browser.find()
    assert "does not start" in capsys.readouterr().err


def test_where_no_browser_can_be_had_the_last_line_says_so(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("RELAIS_TEST_BROWSER", raising=False)
    monkeypatch.setattr(_environment, "PYTHON", program(machine, "python", "exit 1"))
    monkeypatch.setattr(_browser, "PLACES", ())
    with pytest.raises(SystemExit):
        _browser.find()
    assert "no Chromium" in capsys.readouterr().err.splitlines()[-1]


def test_a_broken_browser_is_passed_over_for_one_that_starts(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RELAIS_TEST_BROWSER", raising=False)
    program(machine, "chromium", "exit 1")
    good = program(machine, "google-chrome", "echo Chrome 140")
    assert _browser.find() == str(good)
    assert os.environ["PATH"] == str(machine)
