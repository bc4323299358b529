"""Whether anything notices attacked images: confidence, other networks, the auditor."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from torch import Tensor

from visionfail import failure, files, metrics
from visionfail.data import ImageSet
from visionfail.failure.monitor import CIFAR10
from visionfail.metrics import Estimate
from visionfail.studies import stored
from visionfail.studies.uneven.attack_answers import AttackedAnswers
from visionfail.studies.uneven.attacked import HEADLINE
from visionfail.studies.uneven.others import Others

FALSE_ALARMS = 0.05


@dataclass(frozen=True, eq=False)
class Suspicion:
    """How suspicious one detector finds clean and attacked images, by seed: (S, M) each."""

    clean: np.ndarray
    attacked: np.ndarray


def confidence_suspicion(attacked: AttackedAnswers) -> Suspicion:
    """1 minus the network's own confidence."""
    return Suspicion(1 - attacked.clean.confidence, 1 - attacked.at(HEADLINE).confidence)


def ensemble_suspicion(others: Others, attacked: list[str], members: list[str]) -> Suspicion:
    """1 minus the mean probability that all members give to the answer of each one attacked."""
    victims = [others.attacked.index(name) for name in attacked]
    asked = [others.asked.index(name) for name in members]
    clean = others.clean_support[victims][:, asked].mean(axis=1)
    return Suspicion(1 - clean, 1 - others.support[victims][:, asked].mean(axis=1))


def load_or_audit(
    path: Path, images: ImageSet | None, attacked: Callable[[], Tensor] | None
) -> tuple[Suspicion, str]:
    """(what the auditor of CIFAR-10's ResNet-18 seed 0 says, "loaded" | "computed").

    Of clean images and what `attacked` gives, the same images attacked; stored at `path`. Without
    them what is stored is loaded as it is.
    """
    if images is None or attacked is None:
        return suspicion_of(files.load_arrays(path)[0]), "loaded"
    monitor = failure.load_monitor(**CIFAR10)
    identity = {"auditor": monitor.card["sha256"], "images": images.checksum()}

    def compute() -> tuple[stored.Arrays, dict]:
        arrays = {}
        for name, pictures in {"clean": images.images, "attacked": attacked()}.items():
            reading = failure.extract(monitor.model, pictures, images.labels, layers=monitor.layers)
            arrays[name] = monitor.auditor.score(reading.features())[None]  # (1, M)
        return arrays, identity

    arrays, _, how = stored.load_or_compute(
        path, compute, identity=identity, fields=["clean", "attacked"]
    )
    return suspicion_of(arrays), how


def suspicion_of(arrays: stored.Arrays) -> Suspicion:
    """The Suspicion that arrays hold."""
    return Suspicion(arrays["clean"], arrays["attacked"])


def noticed_table(
    suspicions: Mapping[str, Suspicion], attacked: AttackedAnswers, counts: np.ndarray
) -> pd.DataFrame:
    """A row per detector: detector, auroc, caught, each with _lo and _hi, turned, n.

    AUROC of turned images against the same networks' right answers to clean ones; `caught` the
    share of turned images that are more suspicious than all but FALSE_ALARMS of these. Means over
    seeds (a detector of one seed is about the first), 95% over groups, counts (B, M), and seeds.
    `turned` counts turned images of all seeds, n what is independent.
    """
    rows = []
    for name, suspicion in suspicions.items():
        seeds = len(suspicion.clean)
        right = attacked.clean.correct[:seeds]
        turned = right & attacked.at(HEADLINE).wrong[:seeds]
        aurocs = [
            one_auroc(*of_seed, counts)
            for of_seed in zip(suspicion.clean, suspicion.attacked, right, turned, strict=True)
        ]
        caught = [
            one_caught(*of_seed, counts)
            for of_seed in zip(suspicion.clean, suspicion.attacked, right, turned, strict=True)
        ]
        row: dict = {"detector": name, "seeds": seeds, "turned": int(turned.sum())}
        for measure, values in {"auroc": aurocs, "caught": caught}.items():
            by_resample = np.stack(values, axis=1)  # (B + 1, S)
            value, lo, hi = Estimate(by_resample[0], by_resample[1:]).interval()
            row.update({measure: value, f"{measure}_lo": lo, f"{measure}_hi": hi})
        rows.append({**row, "n": attacked.clean.things})
    return pd.DataFrame(rows)


def one_auroc(
    clean: np.ndarray, moved: np.ndarray, right: np.ndarray, turned: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """The AUROC of one seed as measured, then in each resample, (B + 1,)."""
    score = np.concatenate([clean[right], moved[turned]])
    is_turned = np.repeat([False, True], [right.sum(), turned.sum()])
    drawn = np.concatenate([counts[:, right], counts[:, turned]], axis=1)
    samples = metrics.bootstrap_auroc(score, is_turned, drawn)
    return np.concatenate([[metrics.auroc(score, is_turned)], samples])


def one_caught(
    clean: np.ndarray, moved: np.ndarray, right: np.ndarray, turned: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """The share caught of one seed as measured, then in each resample, (B + 1,).

    The threshold is that of the clean images as measured, as one would set it beforehand.
    """
    threshold = np.quantile(clean[right], 1 - FALSE_ALARMS)
    caught = (moved > threshold) & turned
    weights = np.concatenate([np.ones((1, len(clean))), counts])
    return (weights @ caught) / (weights @ turned)
