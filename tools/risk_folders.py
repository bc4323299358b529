"""Lay out two real sets as safe/ and unsafe/ folders for python -m visionfail.risk.

python tools/risk_folders.py gtsrb data/risk-gtsrb
python tools/risk_folders.py imagenette data/risk-imagenette
"""

import argparse
import csv
import io
from pathlib import Path

from torchvision.io import write_png
from tqdm import tqdm

from visionfail import files, models
from visionfail.data import ImageSet
from visionfail.risk.pictures import TABLE
from visionfail.risk.sets import PARTS, UNSAFE


def write_part(images: ImageSet, folder: Path, unsafe: tuple[str, ...]) -> None:
    """The pictures of a set as PNG, and pictures.csv with their groups and classes."""
    rows = []
    for k in tqdm(range(len(images)), unit="picture"):
        kind = images.classes[int(images.labels[k])]
        group = k if images.groups is None else int(images.groups[k])
        name = f"{'unsafe' if kind in unsafe else 'safe'}/{k:06d}.png"
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        write_png(images.images[k], str(file))
        rows.append((name, group, kind))
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("file", "group", "kind"))
    writer.writerows(rows)
    files.write_text(folder / TABLE, table.getvalue())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set", choices=list(UNSAFE))
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    sets = models.grouped_sets(options.set)
    for part, split in PARTS[options.set].items():
        write_part(sets[split], options.folder / part, UNSAFE[options.set])


if __name__ == "__main__":
    main()
