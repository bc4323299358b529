"""Every network beside every ResNet-18 trained alike, on the same images."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from visionfail import evaluation
from visionfail.evaluation import Outcomes
from visionfail.studies.degradation.seeds import COMPARED, Network, trained_alike


def beside_resnets(sweeps: Mapping[Network, Outcomes], *, bootstraps: int) -> pd.DataFrame:
    """A row per network and ResNet-18 trained alike: model, seed, beside (the ResNet-18's seed).

    difference: accuracy minus the ResNet-18's, mean over corrupted conditions; ahead and behind:
    how many conditions differ with p below 5%, McNemar's, Holm-corrected within the pair;
    conditions; n. Two ResNet-18s trained alike stand there once.
    """
    rows = []
    for network, other in _pairs(sweeps):
        pair = evaluation.paired_by_condition(
            sweeps[network],
            sweeps[other],
            bootstraps=bootstraps,
            generator=np.random.default_rng(0),
        )
        pair = pair[pair.severity > 0]
        significant = pair.difference[pair.p_holm < 0.05]
        row = {"model": network[0], "seed": network[1], "beside": other[1]}
        row["difference"] = pair.difference.mean()
        row["ahead"] = int((significant > 0).sum())
        row["behind"] = int((significant < 0).sum())
        rows.append({**row, "conditions": len(pair), "n": pair.n.iloc[0]})
    return pd.DataFrame(rows)


def _pairs(sweeps: Mapping[Network, Outcomes]) -> Iterator[tuple[Network, Network]]:
    """Each network with each ResNet-18 trained alike; of two such the later seed comes first."""
    alike = trained_alike(sweeps)
    baselines = [network for network in alike if network[0] == COMPARED[1]]
    for network in sweeps:
        for other in baselines:
            if network not in baselines or network > other:
                yield network, other
