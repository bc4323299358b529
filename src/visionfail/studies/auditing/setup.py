"""What a notebook of this study starts from."""

from torch import nn

from visionfail import models, profiles
from visionfail.studies.auditing.classifier import classifier_seeds, mnist_classifier, mnist_sets
from visionfail.studies.run import Run


def prepare_auditing(profile: str) -> Run:
    """A run on MNIST in the profile "quick", "full" or "auto"; downloads only in full."""
    chosen = profiles.get_profile(profile)
    sets = mnist_sets(chosen)
    return Run(profile=chosen, sets=sets, origin=sets["test"].origin)


def prepare_cifar10(profile: str) -> Run:
    """A run on CIFAR-10 in the profile "quick", "full" or "auto"."""
    chosen = profiles.get_profile(profile)
    sets = models.cifar10_sets(chosen)
    return Run(profile=chosen, sets=sets, origin=sets["test"].origin)


def load_classifiers(run: Run) -> dict[int, tuple[nn.Module, dict, str]]:
    """{seed: (model, card, "loaded" | "trained")} of the base classifiers of this run's profile."""
    classifiers = {}
    for seed in classifier_seeds(run.profile):
        classifiers[seed] = mnist_classifier(run.profile, run.sets, seed=seed)
    return classifiers
