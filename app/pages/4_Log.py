"""What a classifier has decided lately, from the log that `predict --log` writes.

Shown are volume, shares flagged, sent to people and decided without a guarantee, latency, and
whether the scores have drifted.
"""

import os
from pathlib import Path

import streamlit as st

from visionfail import paths, risk

FOLDER = Path(os.environ.get("VISIONFAIL_RISK", paths.ROOT / "runs" / "risk" / "model"))
LOG = Path(os.environ.get("VISIONFAIL_LOG", paths.ROOT / "runs" / "risk" / "decisions.jsonl"))
PERIODS = {"minute": "1min", "hour": "1h", "day": "1D"}


@st.cache_resource
def cached_classifier(stamp: int) -> risk.Classifier:
    """The classifier, loaded once for all visitors until its card changes (`stamp`)."""
    return risk.load_classifier(FOLDER)


st.set_page_config("visionfail: what was decided", layout="wide")
st.header("What has the classifier decided lately?")
try:
    log = risk.read_log(LOG)
except FileNotFoundError as error:
    st.info(f"No log yet: {error}")
    st.stop()

if log.empty:
    st.info(f"There is no decision in {LOG} yet: `predict --log {LOG}` adds them.")
    st.stop()

with st.sidebar:
    period = st.radio("Every", list(PERIODS), index=1, horizontal=True)
    batch = st.slider("Decisions that the drift check looks at", 20, 500, 100)

table = risk.log_summary(log, every=PERIODS[period])
volume, flagged, reviewed, unpromised, latency = st.columns(5)
volume.metric("Decisions", f"{len(log):,}")
flagged.metric("Flagged", f"{(log.decision == 'unsafe').mean():.1%}")
reviewed.metric("Needs a person", f"{log.review.mean():.1%}")
unpromised.metric("No guarantee", f"{1 - log.guaranteed.mean():.1%}")
latency.metric("Median latency", f"{log.milliseconds.median():.0f} ms")
st.line_chart(table.set_index("time")[["flagged", "reviewed"]])
st.bar_chart(table.set_index("time")["decided"])
st.dataframe(table, hide_index=True)

scores = log.score.dropna().to_numpy()[-batch:]
card = FOLDER / "model.json"
if card.exists() and len(scores):
    classifier = cached_classifier(card.stat().st_mtime_ns)
    drift = risk.check_score_drift(classifier.validation(), scores)
    words = f"the last {drift.n} scores against safe validation pictures: p = {drift.p:.3g}"
    if drift.alarm:
        st.error(f"Drift: {words}. Look at recent pictures before trusting the threshold.")
    else:
        st.success(f"No drift seen: {words}")
    st.caption(
        "Kolmogorov and Smirnov's test, for pictures that are independent; frames of one thing "
        "raise false alarms. Where unsafe pictures are rare, unchanged ones raise one in twenty."
    )
