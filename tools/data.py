"""Download and verify data sets: python tools/data.py [set ...]; default: all of them."""

import argparse
import sys

from visionfail import data, paths

SETS = ("cifar10", "mnist", "svhn", "svhn10k", "gtsrb", "imagenette", "cifar10c", "cifar10h")


def bring(name: str, root: str | None) -> bool:
    """Whether one set is there now, fetched or verified; prints how that went.

    A set that cannot be had must not keep the others away, so its error is printed, not raised.
    """
    try:
        fetched = data.fetch(name, root=root)
    except (OSError, ValueError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return False
    outcome = "downloaded and verified" if fetched else "verified"
    print(f"{name}: {outcome} in {paths.data_dir(root)}")
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    sets_help = f"one of {', '.join(SETS)}; default: all"
    parser.add_argument("sets", nargs="*", metavar="set", help=sets_help)
    parser.add_argument("--root", help="the data folder; default: VISIONFAIL_DATA, else data/")
    arguments = parser.parse_args()
    unknown = set(arguments.sets) - set(SETS)
    if unknown:
        parser.error(f"unknown set {', '.join(sorted(unknown))}: choose from {', '.join(SETS)}")
    try:
        outcomes = [bring(name, arguments.root) for name in arguments.sets or SETS]
    except KeyboardInterrupt:
        print("interrupted: run the same again, it goes on where this stopped", file=sys.stderr)
        return 130
    return 0 if all(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
