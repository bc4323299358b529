"""What a notebook of this study starts from."""

from visionfail import models, profiles
from visionfail.studies.run import Run


def prepare_saliency(profile: str) -> Run:
    """A run on CIFAR-10 in the profile "quick", "full" or "auto"; downloads only in full."""
    chosen = profiles.get_profile(profile)
    sets = models.cifar10_sets(chosen)
    return Run(profile=chosen, sets=sets, origin=sets["test"].origin)
