"""The auditor at work on one digit, as a page in the browser.

Start it in the repository's folder, whose .streamlit/config.toml keeps it on this machine: make
app, or python -m streamlit run app/digits.py
"""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from torch import Tensor

from visionfail import corruptions, data, failure, figures
from visionfail.failure.monitor import Answer
from visionfail.studies import auditing

ORIGINS = {
    "official": "Digits: MNIST's test set.",
    "standin": (
        "Digits: a standin, the 2,000 val digits embedded in a package, for MNIST is not on disk."
    ),
}


@st.cache_resource
def cached_monitor() -> failure.Monitor:
    """The classifier and its auditor, loaded once for all visitors."""
    return failure.load_monitor()


@st.cache_resource
def cached_digits() -> data.ImageSet:
    """The digits to choose from, loaded once for all visitors."""
    return auditing.demo_digits()


def choose_digit(digits: data.ImageSet) -> tuple[Tensor, int]:
    """The digit (1, 1, 28, 28) that the visitor chooses, and its label."""
    count = len(digits)
    number = st.number_input("Which digit", 0, count - 1, 3, help=f"{count:,} to choose from")
    return digits.images[number : number + 1], int(digits.labels[number])


def upload_digit() -> Tensor | None:
    """The visitor's own digit (1, 1, 28, 28); None where nothing readable has been sent."""
    sent = st.file_uploader("PNG or JPEG of one digit", accept_multiple_files=False)
    if sent is None:
        return None
    try:
        return data.as_digit(data.read_picture(sent.getvalue(), channels=1, side=28))
    except ValueError as error:
        st.error(str(error))
        return None


def show_decision(column: DeltaGenerator, answer: Answer, limit: dict) -> None:
    """Show what the auditor says of an answer, and whether the budget's limit accepts it."""
    column.metric("Auditor: chance that it is wrong", f"{answer.failure:.1%}")
    if answer.accepted(limit["limit"]):
        column.success("accepted")
    elif limit["limit"] is None:
        column.warning("abstains: no threshold keeps this budget")
    else:
        column.warning(f"abstains: more than {limit['limit']:.1%}")
    column.caption(
        f"At this budget {limit['coverage']:.0%} of test digits, "
        "four in five of them shifted, are answered."
    )


st.set_page_config("visionfail: is it wrong?", layout="wide")
st.header("Does the network know when it is wrong?")
monitor = cached_monitor()
digits = cached_digits()

with st.sidebar:
    source = st.radio("Picture", ["a digit", "your own"], horizontal=True)
    truth = None
    if source == "a digit":
        picture, truth = choose_digit(digits)
    else:
        picture = upload_digit()
    shift = st.selectbox("Shift", ["none", *corruptions.SHIFTS])
    strength = st.slider("Strength", 0.0, 1.0, 0.5, 0.05, disabled=shift == "none")
    budgets = [row["budget"] for row in monitor.card["limits"]]
    budget = st.select_slider(
        "Risk budget: mistakes among accepted answers",
        budgets,
        value=budgets[1],
        format_func="{:.0%}".format,
    )

if picture is None:
    st.info(
        "Send a picture of a single digit, and see whether the network is right "
        "and whether it knows."
    )
    st.stop()

if shift != "none":
    picture = corruptions.shift(picture, shift, strength)
answer = failure.monitor_answer(monitor, picture)
picture_column, answer_column, decision_column = st.columns(3)
caption = "what the network sees"
if truth is not None:
    caption += f" (a {truth})"
picture_column.image(picture[0, 0].numpy(), caption=caption, width=180)
answer_column.metric("Answer", answer.predicted)
answer_column.metric("Confidence", f"{answer.confidence:.1%}")
show_decision(decision_column, answer, monitor.limit(budget))
latents = figures.latent_map(
    monitor.points,
    monitor.failure,
    monitor.failed,
    explained=monitor.card["explained"],
    here=answer.place,
    title="Where it lies among test digits",
)
st.pyplot(latents)
st.caption(
    "MNIST digits, shown under shifts that the auditor has learnt. Budgets were set on such a mix: "
    "for pictures of another kind, your own among them, they guarantee nothing. "
    f"{ORIGINS[digits.origin]}"
)
