"""A second draw of the corruptions that have chance in them, to compare with the first."""

from collections.abc import Sequence
from pathlib import Path

from visionfail import evaluation, models, results
from visionfail.evaluation import Outcomes
from visionfail.profiles import Profile


def load_or_redraw(
    folder: Path, profile: Profile, *, names: Sequence[str], seed: int
) -> tuple[Outcomes, str]:
    """(outcomes, "loaded" | "computed") of ResNet-18 seed 0 under `names`, drawn from `seed`.

    What is stored in `folder` is loaded where it has these corruptions from this seed, so that a
    machine without images shows it too; only the full profile runs the network, and writes. In
    quick FileNotFoundError where nothing is stored, ValueError where another draw is.
    """
    path = Path(folder) / f"redraw-resnet18-s0-seed{seed}.npz"
    conditions = tuple(evaluation.all_conditions(names=names))
    if path.exists() or profile.name != "full":
        stored = Outcomes.load(path)
        if stored.conditions == conditions and results.matches(stored.made, {"seed": seed}):
            return stored, "loaded"
    if profile.name != "full":
        raise ValueError(
            f"{path} is not of {', '.join(names)} from seed {seed}: ask for what is stored, or run "
            "the full profile, which draws them."
        )
    sets = models.cifar10_sets(profile)
    model, card, _ = models.cifar10_classifier(profile, sets, arch="resnet18", seed=0)
    return evaluation.load_or_sweep(
        path,
        model,
        sets,
        severities=(1, 2, 3, 4, 5),
        weights=card["sha256"],
        state=profile.state,
        names=names,
        seed=seed,
    )
