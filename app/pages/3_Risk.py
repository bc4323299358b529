"""Your own safe/unsafe classifier on one picture, and what its threshold costs.

Shown are decision, probability and Grad-CAM beside the raw picture. The threshold follows the
recall target, the cost of errors, or the lower of both, and moves with its sliders.
"""

import dataclasses
import os
from pathlib import Path

import pandas as pd
import streamlit as st
import visitors
from torch import Tensor

from visionfail import data, paths, risk
from visionfail.figures import pictures
from visionfail.risk import commands, gate

WIDTH = 260
RULES = {
    "lower": "the lower of both",
    "recall": "the recall target",
    "cost": "the cost of errors",
}
FOLDER = Path(os.environ.get("VISIONFAIL_RISK", paths.ROOT / "runs" / "risk" / "model"))


@st.cache_resource
def cached_classifier(stamp: int) -> risk.Classifier:
    """The classifier, loaded once for all visitors until its card changes (`stamp`)."""
    return risk.load_classifier(FOLDER)


def uploaded(side: int) -> tuple[Tensor | None, str]:
    """(the visitor's picture (1, 3, side, side), "") or (None, why it was refused)."""
    sent = st.file_uploader("PNG or JPEG", accept_multiple_files=False)
    if sent is None:
        return None, ""
    try:
        suffix = Path(sent.name).suffix
        return data.read_whole_picture(sent.getvalue(), side=side, suffix=suffix), ""
    except ValueError as error:
        return None, str(error)


def settings(config: risk.RiskConfig) -> risk.RiskConfig:
    """The settings of a decision that the visitor chooses, the classifier's own to begin with."""
    rules = list(RULES)
    rule = st.radio(
        "The threshold follows", rules, index=rules.index(config.rule), format_func=RULES.get
    )
    ratio = slider_around("A miss costs so many false alarms", (1.0, 300.0), config.cost_ratio)
    missed = slider_around("Unsafe pictures missed, at most", (0.005, 0.5), config.max_miss)
    rare = st.select_slider(
        "Share of unsafe pictures at work",
        [0.0001, 0.001, 0.01, 0.1, 0.5],
        value=min([0.0001, 0.001, 0.01, 0.1, 0.5], key=lambda s: abs(s - config.prevalence)),
        format_func="{:.2%}".format,
    )
    return dataclasses.replace(
        config, rule=rule, cost_ratio=ratio, max_miss=missed, prevalence=rare
    )


def slider_around(label: str, ends: tuple[float, float], value: float) -> float:
    """A slider that starts at a value and reaches it, though it lie outside the usual ends."""
    low, high = ends
    return st.slider(label, min(low, value), max(high, value), value, step=low)


def show_threshold(threshold: risk.Threshold, cost: pd.Series) -> None:
    """The threshold, what 1,000 pictures cost by it, and whether it promises anything."""
    left, right = st.columns(2)
    left.metric("Flagged from a score of", f"{threshold.value:.4g}")
    right.metric("1,000 pictures cost, in false alarms", f"{1000 * cost['value']:,.1f}")
    if threshold.guaranteed:
        st.success(threshold.guarantee)
    else:
        st.warning(threshold.guarantee)  # it begins with "no guarantee"


st.set_page_config("visionfail: safe or unsafe?", layout="wide")
st.header("Safe or unsafe, and what does the threshold cost?")
card = FOLDER / "model.json"
if not card.exists():
    st.info(
        "No classifier here yet. Train one on a folder with safe/ and unsafe/ in it: "
        "`python -m visionfail.risk train --data FOLDER --out runs/risk/model`."
    )
    st.stop()
classifier = cached_classifier(card.stat().st_mtime_ns)

with st.sidebar:
    picture, refused = uploaded(classifier.config.side)
    chosen = settings(classifier.config)
    people = st.slider("People look below this probability", 0.5, 1.0, gate.PEOPLE_BELOW)

threshold = commands.threshold_of(classifier, chosen)
if refused:
    st.error(f"unsafe, needs review: {refused}")
elif picture is None:
    st.info("Send a picture.")
else:
    score, heat, no_map = visitors.score_with_map(classifier, picture)
    probability = float(classifier.calibration.probability(score))
    raw, saliency, decision = st.columns(3)
    raw.image(picture[0].permute(1, 2, 0).numpy(), caption="what the network sees", width=WIDTH)
    if heat is None:
        saliency.info(f"No Grad-CAM: {no_map}")
    else:
        caption = "Grad-CAM: evidence for unsafe"
        saliency.image(pictures.heat(heat), caption=caption, width=WIDTH)
    flagged = score >= threshold.value
    review = flagged and probability < people
    decision.metric("Decision", "unsafe" if flagged else "safe")
    decision.metric("Probability of being unsafe", f"{probability:.1%}")
    if review:
        decision.warning("between both thresholds: a person looks")

scored = classifier.validation()
table = risk.rates_table(
    scored, threshold.value, prevalence=chosen.prevalence, cost_ratio=chosen.cost_ratio
)
words = risk.in_words(
    threshold.value, table, cost_ratio=chosen.cost_ratio, prevalence=chosen.prevalence
)
show_threshold(threshold, table.set_index("quantity").loc["cost"])
st.write(words)
st.caption(
    "On the validation pictures that set it, so a little flattered. A guarantee is about pictures "
    "like those."
)
