"""The paths of an accelerator, tests/pretend*_paths.py, in an interpreter of their own.

torch counts its devices at the first backward pass, and other tests should not meet this one.
"""

import subprocess
import sys
from pathlib import Path

import pytest
from makers import pretend

TESTS = Path(__file__).parent


@pytest.mark.skipif(not pretend.AVAILABLE, reason="this torch has no accelerator in Python")
@pytest.mark.parametrize("paths", ["pretend_paths.py", "pretend_further_paths.py"])
def test_every_path_of_an_accelerator(paths):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--tb=short"]
    command.append(str(TESTS / paths))
    done = subprocess.run(command, capture_output=True, text=True, cwd=TESTS.parent)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
