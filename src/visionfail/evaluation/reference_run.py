"""One network's numbers on CIFAR-10-C: swept or loaded, summarised, and written to results/."""

import numpy as np
import pandas as pd
from torch import nn

from visionfail import models, paths, results
from visionfail.data import ImageSet
from visionfail.evaluation import sweep, tables
from visionfail.evaluation.outcomes import Outcomes
from visionfail.profiles import Profile


def reference_run(
    profile: Profile, sets: dict[str, ImageSet], model: nn.Module, card: dict, *, seed: int
) -> tuple[Outcomes, pd.DataFrame, str]:
    """(answers, rows of results/, "loaded" | "computed") of the network of `card` on sets["test"],
    clean and under the 19 corruptions at the profile's severities. Both are kept in results/, as
    the run cifar10c-<arch>-<recipe>-s<seed>.
    """
    name = models.checkpoint_name("cifar10c", card["arch"], card["recipe"], seed)
    options = {"severities": profile.severities, "weights": card["sha256"], "state": profile.state}
    found, how = sweep.load_or_sweep(profile.results / f"{name}.npz", model, sets, **options)
    published = pd.read_csv(paths.RESULTS / "published_cifar10c.csv")
    bootstrap = {"bootstraps": profile.bootstraps, "generator": np.random.default_rng(0)}
    test = sets["test"]
    config = {
        "origin": test.origin,
        "n": len(test),
        "weights_sha256": card["sha256"],
        "bootstraps": profile.bootstraps,
    }
    results.save_run(
        name,
        tables.sweep_rows(found, published, model=card["arch"], seed=seed, **bootstrap),
        folder=profile.results,
        config=config | {"dtype": found.made["dtype"]},
        seconds=found.made["seconds"],
        device=found.made["device"],
        data_checksums={"test": test.checksum()},
    )
    return found, results.load_run(name, folder=profile.results)[0], how
