"""The paths of an accelerator, tests/pretend_paths.py, in an interpreter of their own.

torch counts its devices at the first backward pass, and other tests should not meet this one.
"""

import subprocess
import sys
from pathlib import Path

import pytest
from makers import pretend

PATHS = Path(__file__).with_name("pretend_paths.py")


@pytest.mark.skipif(not pretend.AVAILABLE, reason="this torch has no accelerator in Python")
def test_every_path_of_an_accelerator():
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--tb=short", str(PATHS)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PATHS.parents[1])
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
