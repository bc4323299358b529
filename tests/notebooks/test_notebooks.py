"""Every notebook runs from a clean kernel in the quick profile, in order; the committed copies are
fit to be read.
"""

import importlib
import json
import re
import subprocess

import pytest

from visionfail import paths

# tools/notebooks.py; by its name, for type checkers take `import notebooks` for the folder
notebooks = importlib.import_module("notebooks")

pytestmark = pytest.mark.slow

NOTEBOOKS = notebooks.find()
# where real images take another way than stand-ins: committed networks instead of trained ones
WITH_IMAGES = [
    path
    for path in NOTEBOOKS
    if path.name[:2] in ("01", "03", "05", "06", "07", "08", "11", "12", "14")
]


def code_cells(path):
    return [
        c for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code"
    ]


@pytest.fixture(scope="module")
def before():
    return tracked_changes()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder in the place of runs/, which the reader's own run may have filled."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(autouse=True)
def runs_elsewhere(runs, monkeypatch):
    monkeypatch.setenv("VISIONFAIL_RUNS", str(runs))


def tracked_changes():
    command = ["git", "-C", str(paths.ROOT), "status", "--porcelain", "--untracked-files=no"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def run_in_the_quick_profile(path, before):
    notebook = notebooks.execute(path, profile="quick", timeout=600)
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert tracked_changes() == before  # quick writes to runs/quick, never to what is committed


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_on_standins(path, before, tmp_path, monkeypatch):
    monkeypatch.setenv("VISIONFAIL_DATA", str(tmp_path))
    run_in_the_quick_profile(path, before)


@pytest.mark.realdata
@pytest.mark.parametrize("path", WITH_IMAGES, ids=lambda path: path.stem)
def test_runs_on_real_images(path, before):
    run_in_the_quick_profile(path, before)


# what a run of the notebook in the full profile leaves in results/: where it is committed, so must
# be the run
LEAVES = {
    "00": "claims.csv",
    "01": "cifar10-resnet18-standard-s0.csv",
    "02": "cifar10-densenet121-standard-s0.csv",
    "03": "cifar10c-resnet18-standard-s0.csv",
    "04": "claims.csv",
    "05": "drift.csv",
    "06": "uneven.csv",
    "07": "attacks.csv",
    "08": "mnist-primary.csv",
    "09": "mnist-auditor.csv",
    "10": "mnist-budgets.csv",
    "11": "auditor-cifar10.csv",
    "12": "transfer.csv",
    "13": "risk.csv",
    "14": "own-model.csv",
}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_committed_copy_is_as_executed_and_clean(path):
    if not (paths.RESULTS / LEAVES[path.name[:2]]).exists():
        pytest.skip(f"{path.name} has not run in the full profile yet")
    cells = code_cells(path)
    outputs = json.dumps([cell["outputs"] for cell in cells])
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert '"output_type": "error"' not in outputs and '"name": "stderr"' not in outputs
    assert not re.search(r"/(root|home|work|tmp|Users|site-packages)/", outputs)
    assert path.stat().st_size < 2_000_000


def test_the_overview_comes_after_all_whose_results_it_reads():
    names = [path.stem for path in NOTEBOOKS]
    assert names[-1] == "00_overview" and names[:-1] == sorted(names[:-1])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_cells_are_short_and_parameters_are_tagged(path):
    cells = code_cells(path)
    assert max(len(cell["source"]) for cell in cells) <= 25
    assert sum("parameters" in cell["metadata"].get("tags", []) for cell in cells) == 1
