"""A second draw is loaded or drawn in full; the quick profile draws none and writes nothing."""

import dataclasses

import pytest
from makers import random_outcomes

from visionfail import evaluation, models
from visionfail.profiles import QUICK
from visionfail.studies.degradation import redraw

NAMES = ("contrast", "fog")


def stored_in(folder, **made):
    """Outcomes of NAMES at all severities, stored where the study looks for them."""
    outcomes, _, _ = random_outcomes()
    chosen = outcomes.of(evaluation.all_conditions(names=NAMES))
    stored = dataclasses.replace(chosen, made={"seed": 1, **made})
    stored.save(folder / "redraw-resnet18-s0-seed1.npz")
    return stored


def test_what_is_stored_is_loaded_in_quick(tmp_path):
    stored = stored_in(tmp_path)
    again, how = redraw.load_or_redraw(tmp_path, QUICK, names=NAMES, seed=1)
    assert how == "loaded" and again.conditions == stored.conditions


@pytest.mark.fault("results of another run")
@pytest.mark.parametrize(("names", "made"), [(("contrast",), {}), (NAMES, {"seed": 2})])
def test_quick_leaves_a_stored_draw_of_another_kind_as_it_is(names, made, tmp_path, monkeypatch):
    stored_in(tmp_path, **made)
    (file,) = tmp_path.iterdir()
    before = file.read_bytes()
    monkeypatch.setattr(models, "cifar10_sets", lambda profile: pytest.fail("it draws"))
    with pytest.raises(ValueError, match=r"redraw-resnet18-s0-seed1\.npz .*full profile"):
        redraw.load_or_redraw(tmp_path, QUICK, names=names, seed=1)
    assert file.read_bytes() == before


@pytest.mark.fault("missing files and data")
def test_quick_without_a_stored_draw_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="redraw-resnet18-s0-seed1"):
        redraw.load_or_redraw(tmp_path, QUICK, names=NAMES, seed=1)
