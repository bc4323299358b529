"""What a notebook of this study starts from."""

from visionfail import evaluation, models, profiles
from visionfail.studies.run import Run


def prepare_degradation(profile: str) -> Run:
    """A run on CIFAR-10 in the profile "quick", "full" or "auto"; downloads only in full."""
    chosen = profiles.get_profile(profile)
    sets = models.cifar10_sets(chosen)
    return Run(profile=chosen, sets=sets, origin=sets["test"].origin)


def prepare_stored(profile: str) -> Run:
    """A run that reads the stored answers of the reference networks and needs no images.

    It shows the findings of the full run in every profile, marked with the origin of its images.
    """
    table, _ = evaluation.stored_sweeps(profiles.FULL.results)
    origin = evaluation.weakest_origin(table.origin)
    return Run(profile=profiles.get_profile(profile), origin=origin, stored=True)
