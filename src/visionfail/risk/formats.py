"""The formats of a classifier beside each other: size, milliseconds, and what their gates say."""

import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import numpy as np
from torch import Tensor

from visionfail import metrics, models
from visionfail.data import ImageSet
from visionfail.risk.export import FORMATS, export
from visionfail.risk.saved import Classifier
from visionfail.risk.thresholds import Threshold

TIMED = 50
TIMED_BATCHES = (1, 32)


def can_export() -> bool:
    """Whether the extra `risk` is installed."""
    return bool(find_spec("onnxruntime") and find_spec("onnxscript"))


def format_rows(classifier: Classifier, validation: ImageSet, threshold: Threshold) -> list[dict]:
    """A row per format and batch size: format, size_mb, batch, p50_ms, p95_ms, n, gate.

    Milliseconds of one batch, in TIMED repeats, by as many threads as torch uses; gate is "passed",
    "" for torch itself, or the reasons why the export is refused. Without onnxruntime torch alone.
    """
    weights = sum(tensor.numel() * 4 for tensor in classifier.model.state_dict().values())
    ask: dict[str, Callable] = {"torch": partial(models.predict, classifier.model)}
    about: dict[str, dict] = {"torch": {"size_mb": weights / 1e6, "gate": ""}}
    for kind in FORMATS if can_export() else ():
        try:
            made = export(classifier, kind, validation, threshold)
        except ValueError as error:
            about[kind] = {"size_mb": None, "gate": str(error)}
            continue
        ask[kind] = partial(made.logits, batch_size=TIMED_BATCHES[-1])
        about[kind] = {"size_mb": made.path.stat().st_size / 1e6, "gate": "passed"}
    rows = []
    for kind in about:
        for size in TIMED_BATCHES if kind in ask else ():
            row = {"format": kind, **about[kind], "batch": size, "n": TIMED}
            rows.append({**row, **_milliseconds(ask[kind], validation.images[:size])})
        if kind not in ask:
            rows.append({"format": kind, **about[kind]})
    return rows


def _milliseconds(ask: Callable[[Tensor], object], images: Tensor) -> dict[str, float]:
    """{"p50_ms", "p50_lo", "p50_hi", "p95_ms"} of TIMED calls, after three that warm up.

    lo and hi are a 95% bootstrap interval of the median.
    """
    for _ in range(3):
        ask(images)
    taken = []
    for _ in range(TIMED):
        start = time.perf_counter()
        ask(images)
        taken.append(1000 * (time.perf_counter() - start))
    drawn = np.random.default_rng(0).choice(taken, size=(1000, TIMED))
    lo, hi = metrics.percentile_interval(np.median(drawn, axis=1))
    p50, p95 = np.quantile(taken, [0.5, 0.95])
    return {"p50_ms": float(p50), "p50_lo": float(lo), "p50_hi": float(hi), "p95_ms": float(p95)}
