"""A page about anybody's model: one HTML file, figures inside, that can be handed on."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from visionfail import figures, files


class Heading(NamedTuple):
    """What stands above a part of the page: its question, and what its words mean."""

    question: str
    words: str


PARTS = {
    "curves": Heading(
        "How does accuracy fall?",
        "Pictures are corrupted in software at severities 1 to 5; 0 is clean. A regime names the "
        "shape of a curve. Mild: it loses less than ten points. Early, mid, late collapse: its "
        "first, an inner, its last step takes half of the loss. Accelerating, decelerating: it "
        "bends below or above a straight line; no bend: neither. Non-monotone: it rises again. A "
        "question mark: fewer than 97.5% of the resamples of the images agree. Strengths are those "
        "of CIFAR-10-C, made for 32 pixels: on larger pictures blurs, pixelation and noise are "
        "much milder than ImageNet-C's of the same severity.",
    ),
    "classes": Heading(
        "Who is harmed?",
        "Accuracy of each class apart. Sure and wrong: a wrong answer whose softmax probability is "
        "above the limit named in the table. The worst class is picked by these very images, so it "
        "looks a little worse than it is.",
    ),
    "calibration": Heading(
        "Does its confidence mean what it says?",
        "Expected calibration error (ECE): answers are sorted into 15 bins by confidence; the "
        "absolute gap between confidence and accuracy in a bin, averaged with the images in each "
        "bin as weights. 0 at best.",
    ),
    "attacks": Heading(
        "How small a change turns an answer?",
        "Each pixel may move by epsilon of 255 grey levels along the gradient of the loss: FGSM in "
        "one step, PGD in many. The lights of the health card say whether the attack itself can be "
        "believed; where one is red, a high accuracy under attack says nothing.",
    ),
    "auditor": Heading(
        "Can it answer only where it is safe enough?",
        "An auditor reads the network's layers and says how likely an answer is wrong; 1 - "
        "confidence is the network's own such score. AUROC is the chance that a wrong answer gets "
        "the higher score. A threshold on a score accepts answers; budget: the share of accepted "
        "answers that may be wrong. The mix: each picture once, clean or under one corruption that "
        "auditor and threshold have met. Each threshold by itself keeps its budget with the "
        "probability named above on pictures like the mix, independent of each other. It promises "
        "nothing else: not for clean pictures alone, not for one corruption, and least for those "
        "held out, which neither auditor nor threshold has met.",
    ),
}

LIMITS = (
    "Intervals are 95%; those of shares Wilson's, of differences from resamples of the images. "
    "They take pictures for independent: frames of one video are not, and all is less sure then.",
    "The worst class and corruption are picked by the pictures that measure them, so they look a "
    "little worse than they are. Corruptions made in software are a model of what happens to "
    "pictures, not a sample of it; attacks stronger than these exist; the auditor is one of many "
    "that other seeds would give.",
    "A network that was trained on these pictures looks better than it is: nothing here can notice "
    "that.",
)

# nothing may be fetched: styles and pictures are in the file
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
img { max-width: 100%; }
table { border-collapse: collapse; margin: 1rem 0; font-size: 14px; }
td, th { padding: .2rem .8rem; border-bottom: 1px solid #ccc; text-align: left; }
.stamp { background: #E69F00; padding: .3rem .6rem; font-weight: bold; }
.words { color: #555; }
"""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of the page: sentences that say what is seen, a figure, and a table of texts."""

    sentences: Sequence[str]
    figure: Figure
    table: pd.DataFrame | None = None


def own_model(
    path: Path,
    *,
    name: str,
    dataset: str,
    origin: str,
    profile: str,
    facts: Mapping[str, str],
    parts: Mapping[str, Part],
) -> None:
    """Write the page about a model as one HTML file at `path`, whole or not at all.

    Nothing in it is fetched from elsewhere. `parts` are all of PARTS by name; `facts` stand in a
    table under the title (weights, images, device). `origin` and `profile` mark the title and every
    figure as `figures.save_figure` does. ValueError for a missing or unknown part, one without a
    sentence, a name or data set without a letter, an unknown origin or profile.
    """
    _check_parts(parts)
    for what, words in {"name": name, "dataset": dataset}.items():
        if not words.strip():
            raise ValueError(f"the page lacks a {what}: say what the model or its data are called.")
    stamp = figures.stamp_text(origin, profile)
    title = f"Where {name} fails"
    table_of_facts = {"data": f"{dataset} (origin: {origin})", **facts}
    body = [f"<h1>{escape(title)}</h1>"]
    if stamp:
        body.append(f'<p class="stamp">{escape(stamp)}</p>')
    body.append(_table(pd.DataFrame(table_of_facts.items()), header=False))
    for key in PARTS:
        body += _part(PARTS[key], parts[key], origin=origin, profile=profile)
    body.append("<h2>What this page cannot tell</h2>")
    body += [f"<p>{escape(words)}</p>" for words in LIMITS]
    marked = f"{stamp}: {title}" if stamp else title
    files.write_text(path, _page(marked, body))


def _check_parts(parts: Mapping[str, Part]) -> None:
    """Raises ValueError unless `parts` are those of PARTS, each with a sentence."""
    missing = [key for key in PARTS if key not in parts]
    unknown = [key for key in parts if key not in PARTS]
    if missing or unknown:
        amiss = [f"lacks {key}" for key in missing] + [f"knows no {key}" for key in unknown]
        raise ValueError(f"the page {', '.join(amiss)}: pass all of {', '.join(PARTS)}.")
    for key, part in parts.items():
        if isinstance(part.sentences, str) or not part.sentences:
            raise ValueError(f"{key} has no sentences: pass a list of what is seen in its figure.")


def _part(heading: Heading, part: Part, *, origin: str, profile: str) -> list[str]:
    """The lines of one part of the page."""
    lines = [f"<h2>{escape(heading.question)}</h2>"]
    lines += [f"<p>{escape(sentence)}</p>" for sentence in part.sentences]
    png = figures.png_bytes(part.figure, origin=origin, profile=profile)
    data = base64.b64encode(png).decode("ascii")
    words = escape(part.sentences[0], quote=True)
    lines.append(f'<img alt="{words}" src="data:image/png;base64,{data}">')
    if part.table is not None:
        lines.append(_table(part.table))
    lines.append(f'<p class="words">{escape(heading.words)}</p>')
    return lines


def _table(table: pd.DataFrame, *, header: bool = True) -> str:
    """A table in HTML, its texts escaped, numbers with three decimals."""
    with pd.option_context("display.max_colwidth", None):  # else texts are cut
        return table.to_html(
            index=False,
            header=header,
            border=0,
            justify="left",
            escape=True,
            float_format=lambda value: f"{value:.3f}",
        )


def _page(title: str, body: Sequence[str]) -> str:
    """The whole file."""
    head = [
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
    ]
    lines = ["<!doctype html>", '<html lang="en"><head>', *head, "</head><body>", *body]
    return "\n".join([*lines, "</body></html>", ""])
