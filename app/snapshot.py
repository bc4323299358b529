"""A confident mistake that the auditor catches, as a picture: python app/snapshot.py [FILE]"""

import argparse
from pathlib import Path

from visionfail import failure, figures
from visionfail.studies import auditing

SEED = (
    3000  # of the draws: none that anything was learnt from or judged on; same data, same picture
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=Path("snapshot.png"), help="a .png")
    file, known, images = parser.parse_args().file, failure.load_monitor(), auditing.demo_digits()
    image, label, shift = auditing.confident_failure(known, images, seed=SEED)
    found = failure.monitor_answer(known, image)
    words = f"a {label}, {shift}\nread as {found.predicted}, {found.confidence:.1%} sure\n"
    words += f"auditor: {found.failure:.1%} that it is wrong"
    fig = figures.verdict_card(image[0, 0].numpy(), known.points, known.failure, here=found.place, words=words,
                               title="Sure, wrong, and caught")  # fmt: skip
    figures.save_figure(fig, file.stem, folder=file.parent, origin=images.origin, profile="full")
    print(f"{file}: {words}".replace("\n", "; "))


if __name__ == "__main__":
    main()
