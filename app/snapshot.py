"""A confident mistake that the auditor catches, as a picture: python app/snapshot.py [FILE]"""

import argparse
from pathlib import Path

from visionfail import failure, figures
from visionfail.studies import auditing

# of the draws, none of which anything was learnt from or tested on; same data, same picture
SEED = 3000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=Path("snapshot.png"), help="a .png")
    file = parser.parse_args().file
    monitor = failure.load_monitor()
    digits = auditing.demo_digits()
    image, label, shift = auditing.confident_failure(monitor, digits, seed=SEED)
    answer = failure.monitor_answer(monitor, image)
    words = (
        f"a {label}, {shift}\n"
        f"read as {answer.predicted}, {answer.confidence:.1%} sure\n"
        f"auditor: {answer.failure:.1%} that it is wrong"
    )
    fig = figures.verdict_card(
        image[0, 0].numpy(),
        monitor.points,
        monitor.failure,
        here=answer.place,
        words=words,
        title="Sure, wrong, and caught",
    )
    figures.save_figure(fig, file.stem, folder=file.parent, origin=digits.origin, profile="full")
    print(f"{file}: {words}".replace("\n", "; "))


if __name__ == "__main__":
    main()
