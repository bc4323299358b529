"""Download and verify data sets: python tools/data.py [set ...]; default: all of them."""

import argparse
import sys

from visionfail import data, paths

SETS = ("cifar10", "mnist", "svhn", "svhn10k", "gtsrb", "cifar10c", "cifar10h")


def bring(name: str, root: str | None) -> bool:
    """Fetch one set and print how that went; one that cannot be had must not keep the others
    away.
    """
    try:
        fetched = data.fetch(name, root=root)
    except (OSError, ValueError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return False
    print(
        f"{name}: {'downloaded and verified' if fetched else 'verified'} in {paths.data_dir(root)}"
    )
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "sets", nargs="*", metavar="set", help=f"one of {', '.join(SETS)}; default: all"
    )
    parser.add_argument("--root", help="the data folder; default: VISIONFAIL_DATA, else data/")
    given = parser.parse_args()
    unknown = set(given.sets) - set(SETS)
    if unknown:
        parser.error(f"unknown set {', '.join(sorted(unknown))}: choose from {', '.join(SETS)}")
    try:
        return 0 if all([bring(name, given.root) for name in given.sets or SETS]) else 1
    except KeyboardInterrupt:
        print("interrupted: run the same again, it goes on where this stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
