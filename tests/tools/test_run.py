import subprocess
import sys

import pytest

from visionfail import paths


@pytest.mark.fault("folders that cannot be used")
def test_a_folder_of_runs_that_cannot_be_written_is_told_in_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("VISIONFAIL_RUNS", str(tmp_path / "file" / "runs"))
    command = [sys.executable, str(paths.ROOT / "tools" / "run.py")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1 and len(ended.stderr.splitlines()) == 1
    assert "can't be written" in ended.stderr and "VISIONFAIL_RUNS" in ended.stderr
