"""Sweeps that the processes of a torchrun share."""

import os
import subprocess
import sys

import numpy as np
import pytest

from visionfail.evaluation import outcomes, processes
from visionfail.evaluation.outcomes import Outcomes

# one process or several: each saves what it has got, under its own number
SCRIPT = """
import sys
import torch
from makers import STATS, squares
from torch import distributed
from visionfail.evaluation import outcomes, sweep
from visionfail.models import networks

folder, together = sys.argv[1], sys.argv[2] == "together"
if together:
    distributed.init_process_group("gloo")
rank = distributed.get_rank() if together else 0
answered = []
answer = sweep._Sweep.answer


def watched(run, name, severity):
    answered.append(f"{name} {severity}")
    return answer(run, name, severity)


sweep._Sweep.answer = watched
model = networks.build("resnet18", num_classes=10, width=16, **STATS, seed=0)
conditions = outcomes.all_conditions((1, 3), ("contrast", "gaussian_noise", "fog"))
# the processes may have fitted temperatures that differ in the last digits
swept = sweep.run_sweep(
    model.eval(),
    squares(40, seed=0),
    conditions,
    temperature=1.5 + 1e-6 * rank,
    identity={"w": 1},
    folder=f"{folder}/sweep",
)
swept.save(f"{folder}/{rank}.npz")
with open(f"{folder}/{rank}.txt", "w") as file:
    file.write("\\n".join(answered))
"""


def run_script(folder, command, together):
    folder.mkdir()
    script = folder / "script.py"
    script.write_text(SCRIPT)
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    paths = os.pathsep.join([here, os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    command = [*command, str(script), str(folder), together]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=200)


@pytest.mark.slow
def test_two_processes_share_a_sweep_and_each_gets_what_one_gets(tmp_path):
    run_script(tmp_path / "one", [sys.executable], "alone")
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    run_script(tmp_path / "two", [sys.executable, *launcher], "together")
    alone = Outcomes.load(tmp_path / "one" / "0.npz")
    for rank in ("0", "1"):
        shared = Outcomes.load(tmp_path / "two" / f"{rank}.npz")
        assert shared.conditions == alone.conditions and shared.origins == alone.origins
        assert shared.temperature == alone.temperature == 1.5
        for field in outcomes.FIELDS:
            ours, theirs = getattr(shared, field), getattr(alone, field)
            assert ours.dtype == theirs.dtype and np.array_equal(ours, theirs)
    shares = [(tmp_path / "two" / f"{rank}.txt").read_text().split("\n") for rank in (0, 1)]
    whole = (tmp_path / "one" / "0.txt").read_text().split("\n")
    assert sorted(shares[0] + shares[1]) == sorted(whole)
    assert [len(share) for share in shares] == [4, 3]


def test_one_process_has_all_and_waits_for_none():
    assert processes.share_of([1, 2, 3]) == [1, 2, 3]
    with processes.first_alone():
        processes.wait_for_all()
