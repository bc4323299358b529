"""One network's numbers on CIFAR-10-C: swept or loaded, summarised, written to results/."""

import numpy as np
import pandas as pd
from torch import nn

from visionfail import models, profiles, results
from visionfail.data import ImageSet
from visionfail.evaluation import sweep, tables
from visionfail.evaluation.outcomes import Outcomes
from visionfail.profiles import Profile


def reference_run(
    profile: Profile, sets: dict[str, ImageSet], model: nn.Module, card: dict, *, seed: int
) -> tuple[Outcomes, pd.DataFrame, str]:
    """(answers, rows of results/, "loaded" | "computed") of the network of `card` on sets["test"].

    The images are clean and under the 19 corruptions at the profile's severities. Answers and rows
    are kept in results/, as the run cifar10c-<arch>-<recipe>-s<seed>.
    """
    name = models.checkpoint_name("cifar10c", card["arch"], card["recipe"], seed)
    answers, how = sweep.load_or_sweep(
        profile.results / f"{name}.npz",
        model,
        sets,
        severities=profile.severities,
        weights=card["sha256"],
        state=profile.state,
    )
    rows = tables.sweep_rows(
        answers,
        tables.read_published(profiles.FULL.results),
        model=card["arch"],
        seed=seed,
        bootstraps=profile.bootstraps,
        generator=np.random.default_rng(0),
    )
    test = sets["test"]
    config = {
        "origin": test.origin,
        "n": len(test),
        "weights_sha256": card["sha256"],
        "bootstraps": profile.bootstraps,
        "dtype": answers.made["dtype"],
        "frost": tables.frost_of(answers),
    }
    results.save_run(
        name,
        rows,
        folder=profile.results,
        config=config,
        seconds=answers.made["seconds"],
        device=answers.made["device"],
        data_checksums={"test": test.checksum()},
    )
    table, _ = results.load_run(name, folder=profile.results)
    return answers, table, how
