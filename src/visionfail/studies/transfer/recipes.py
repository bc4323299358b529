"""How the networks of the study of transfer learning are trained, chosen on validation data."""

import dataclasses

from visionfail.models.train_config import TrainConfig
from visionfail.models.transfer import one_triangle

# A pilot on 5,000 images at 64 pixels, 2,000 validation images: peak rates of 0.02, 0.05 and 0.1.
# A frozen phase of the head alone, then layers 3 and 4 at half its rate, one triangle over both.
HEAD = TrainConfig(epochs=3, peak_lr=0.1, weight_decay=1e-4, ema_decay=0.98, padding=0)
WHOLE = TrainConfig(epochs=5, peak_lr=0.1, base_rate=0.5, ema_decay=0.99)


def staged(head: TrainConfig, whole: TrainConfig, *, seed: int) -> tuple[TrainConfig, TrainConfig]:
    """(frozen, unfrozen) rounds over one triangle of rates, with seeds of their own."""
    head = dataclasses.replace(head, seed=seed)
    whole = dataclasses.replace(whole, seed=seed + 100)
    return one_triangle(head, whole)
