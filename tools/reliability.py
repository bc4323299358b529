"""Count the faults that the tests try, by kind, into notes/reliability.md.

python tools/reliability.py          runs every test marked fault (about ten minutes) and writes
python tools/reliability.py --check  runs none; fails where the table is not of the marked cases

A test, a module or a parameter that tries a fault carries @pytest.mark.fault("kind"); each of its
cases counts once, under the nearest mark. What the table says passed has passed in one run.
"""

import argparse
import multiprocessing
import re
import sys
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from visionfail import files

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests"
NOTE = ROOT / "notes" / "reliability.md"
MARK = re.compile(r"mark\.fault\(")
ALONE = TESTS / "pretend_paths.py"  # in an interpreter of its own
WRITTEN = re.compile(r"(?<=<!-- faults: begin -->\n).*(?=<!-- faults: end -->)", re.DOTALL)
HEADER = "| kind of fault | cases | passed | tests |\n| --- | --- | --- | --- |"


@dataclass(eq=False)  # pytest keeps plugins in sets
class Cases:
    """A plugin for pytest: {test: (kind, file)} of the marked cases, and how each ended."""

    kinds: dict[str, tuple[str, str]] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            mark = item.get_closest_marker("fault")
            if mark:
                file = item.path.relative_to(TESTS).as_posix()
                self.kinds[item.nodeid] = (mark.args[0], file)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        worst = self.outcomes.get(report.nodeid, "passed")
        if worst == "passed":
            self.outcomes[report.nodeid] = report.outcome


def marked_files() -> list[Path]:
    """The files with a mark in them: the others need not be imported."""
    files = sorted(TESTS.rglob("*.py"))
    return [path for path in files if MARK.search(path.read_text(encoding="utf-8"))]


def cases_in(paths: Iterable[Path], *options: str) -> Cases:
    """The marked cases of these files, after pytest has been there; ValueError where it cannot."""
    cases = Cases()
    status = pytest.main(["-m", "fault", *options, *map(str, paths)], plugins=[cases])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise ValueError(f"pytest ended with {status!s}: see above")
    return cases


def run() -> Cases:
    """All marked cases, run; ALONE apart from the others."""
    others = [path for path in marked_files() if path != ALONE]
    context = multiprocessing.get_context("spawn")
    both = Cases()
    for paths in ([ALONE], others):
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            cases = pool.submit(cases_in, paths, "-p", "no:cacheprovider").result()
        both.kinds |= cases.kinds
        both.outcomes |= cases.outcomes
    return both


def short_names(files: Iterable[str]) -> str:
    """The files by folder, those in no folder first, without what all names have in common."""
    folders: dict[str, list[str]] = {}
    for file in sorted(set(files)):
        folder, _, name = file.rpartition("/")
        folders.setdefault(folder, []).append(name.removesuffix(".py").removeprefix("test_"))
    words = []
    for folder in sorted(folders):
        names = ", ".join(folders[folder])
        words.append(f"{folder}: {names}" if folder else names)
    return "; ".join(words)


def rows(cases: Cases) -> list[tuple[str, int, int, str]]:
    """(kind, cases, passed, tests) by kind, then their sum."""
    tried = Counter(kind for kind, _ in cases.kinds.values())
    passed = Counter(
        kind for test, (kind, _) in cases.kinds.items() if cases.outcomes.get(test) == "passed"
    )
    table = []
    for kind in sorted(tried):
        files = [file for of, file in cases.kinds.values() if of == kind]
        table.append((kind, tried[kind], passed[kind], short_names(files)))
    table.append(("all", tried.total(), passed.total(), ""))
    return table


def markdown(cases: Cases) -> str:
    """The table of the cases."""
    lines = [HEADER]
    for kind, tried, passed, tests in rows(cases):
        lines.append(f"| {kind} | {tried} | {passed} | {tests} |")
    return "\n".join(lines) + "\n"


def without_passed(text: str) -> list[tuple[str, str, str]]:
    """(kind, cases, tests) of each row of a table: what is known without a run."""
    cells = []
    for line in text.splitlines():
        _, kind, tried, _, tests, _ = line.split("|")
        cells.append((kind.strip(), tried.strip(), tests.strip()))
    return cells


def differences(text: str, cases: Cases) -> list[str]:
    """How the note differs from the marked cases, a line for each row, without running them."""
    match = WRITTEN.search(text)
    before = without_passed(match.group()) if match else []
    now = without_passed(markdown(cases))
    lines = [f"- {row}" for row in before if row not in now]
    return lines + [f"+ {row}" for row in now if row not in before]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="compare, run nothing, write nothing")
    if parser.parse_args().check:
        cases = cases_in(marked_files(), "--collect-only", "-qqq")
        lines = differences(NOTE.read_text(encoding="utf-8"), cases)
        print("\n".join(lines) or "the table is of the marked cases")
        return int(bool(lines))
    cases = run()
    text = NOTE.read_text(encoding="utf-8")  # as it is after minutes
    files.write_text(NOTE, WRITTEN.sub(lambda _: markdown(cases), text))
    print(markdown(cases))
    return int("failed" in cases.outcomes.values())


if __name__ == "__main__":
    sys.exit(main())
