"""Nothing of the package is ignored by git or left out by ruff; make takes any folder."""

import shutil
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


@pytest.mark.skipif(not shutil.which("make"), reason="no make here")
def test_make_takes_a_folder_with_a_space_in_its_path(tmp_path):
    place = tmp_path / "two words" / ".venv"
    fake = tmp_path / "python"  # makes a venv whose Python does nothing
    fake.write_text(
        '#!/bin/sh\nmkdir -p "$3/bin"\nprintf "#!/bin/sh\\n" > "$3/bin/python"\n'
        'chmod +x "$3/bin/python"\n'
    )
    fake.chmod(0o755)
    call = ["make", "-C", str(paths.ROOT), f"VENV={place}", f"PYTHON={fake}", "types"]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(file.name for file in place.iterdir()) == ["bin", "installed", "installed-dev"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["python", "two words"]
    again = subprocess.run(call, capture_output=True, text=True, check=True)
    assert "Installing" in done.stdout and "Installing" not in again.stdout
