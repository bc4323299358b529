"""The table of faults in notes/reliability.md is of the cases that the tests try."""

import ast
import os
import subprocess
import sys

import pytest
import reliability

from visionfail import paths


def cases_of(*cases):
    """Cases of (kind, file, outcome), each a test of its own."""
    made = reliability.Cases()
    for number, (kind, file, outcome) in enumerate(cases):
        made.kinds[str(number)] = (kind, file)
        made.outcomes[str(number)] = outcome
    return made


CASES = cases_of(
    ("cut", "test_damage.py", "passed"),
    ("cut", "risk/test_log.py", "skipped"),
    ("cut", "risk/test_a.py", "passed"),
    ("downloads", "data/test_downloads.py", "failed"),
)
NOTE = f"# a\n<!-- faults: begin -->\n{reliability.markdown(CASES)}<!-- faults: end -->\nb\n"


def test_the_committed_table_is_of_the_marked_cases():
    command = [sys.executable, "tools/reliability.py", "--check"]
    asked = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=False)
    advice = "stale: python tools/reliability.py"
    assert asked.returncode == 0, f"{advice}\n{asked.stdout[-3000:]}{asked.stderr[-1000:]}"


def test_a_row_counts_what_was_tried_and_what_passed():
    lines = reliability.markdown(CASES).splitlines()[2:]
    assert lines == [
        "| cut | 3 | 2 | damage; risk: a, log |",
        "| downloads | 1 | 0 | data: downloads |",
        "| all | 4 | 2 |  |",
    ]


def test_a_case_that_is_gone_or_new_is_a_difference_and_its_outcome_is_none():
    unrun = reliability.Cases(kinds=dict(CASES.kinds))
    assert reliability.differences(NOTE, unrun) == []
    gone = reliability.Cases(kinds={"1": CASES.kinds["1"], "3": CASES.kinds["3"]})
    lines = reliability.differences(NOTE, gone)
    assert "- ('cut', '3', 'damage; risk: a, log')" in lines
    assert "+ ('cut', '1', 'risk: log')" in lines
    assert reliability.differences("no table", unrun)


def test_marks_on_tests_modules_and_parameters_count_once_each(tmp_path, monkeypatch):
    (tmp_path / "test_some.py").write_text(
        "import pytest\n"
        'pytestmark = pytest.mark.fault("module")\n'
        'many = [1, pytest.param(2, marks=pytest.mark.fault("parameter"))]\n'
        "def test_a(): pass\n"
        '@pytest.mark.fault("test")\n'
        "def test_b(): raise ValueError\n"
        '@pytest.mark.parametrize("x", many)\n'
        "def test_c(x): pytest.skip()\n"
    )
    (tmp_path / "test_other.py").write_text("raise SystemError('is not to be imported')\n")
    script = (
        "import sys, reliability\n"
        "from pathlib import Path\n"
        "reliability.TESTS = Path(sys.argv[1])\n"
        "files = reliability.marked_files()\n"
        "options = ('-p', 'no:cacheprovider', '-o', 'addopts=', '--import-mode=importlib')\n"
        "print(reliability.rows(reliability.cases_in(files, *options)))\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    monkeypatch.setenv("PYTHONPATH", str(paths.ROOT / "tools"))
    asked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    rows = [("module", 2, 1), ("parameter", 1, 0), ("test", 1, 0), ("all", 4, 1)]
    printed = asked.stdout.splitlines()[-1]
    assert [row[:3] for row in ast.literal_eval(printed)] == rows


@pytest.mark.fault("a write that fails")
def test_the_note_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    note = tmp_path / "note.md"
    note.write_text(NOTE.replace("| 2 |", "| 9 |"), encoding="utf-8")
    before = note.read_text(encoding="utf-8")
    other = tmp_path / "other.md"
    os.link(note, other)  # the bytes of before, which nobody writes over
    monkeypatch.setattr(sys, "argv", ["reliability.py"])
    monkeypatch.setattr(reliability, "NOTE", note)
    monkeypatch.setattr(reliability, "run", lambda: CASES)
    reliability.main()
    assert note.read_text(encoding="utf-8") == NOTE != before
    assert other.read_text(encoding="utf-8") == before
