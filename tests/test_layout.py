"""Nothing of the package or its tests is ignored by git or left out by ruff."""

import subprocess
import sys

import pytest

from visionfail import paths

SOURCES = [
    str(path.relative_to(paths.ROOT))
    for folder in ("src", "tests")
    for path in sorted((paths.ROOT / folder).rglob("*.py"))
]


def test_no_source_file_is_ignored_by_git():
    if not (paths.ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "-C", str(paths.ROOT), "check-ignore", *SOURCES]
    ignored = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ignored.stdout == "" and ignored.returncode == 1


def test_no_source_file_is_left_out_by_ruff():
    command = [sys.executable, "-m", "ruff", "check", "--show-files", "src", "tests"]
    shown = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=True)
    seen = set(shown.stdout.split())
    assert {str(paths.ROOT / source) for source in SOURCES} <= seen
