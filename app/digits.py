"""The auditor at work on one digit. Start with: make app, or python -m streamlit run
app/digits.py
"""

import streamlit as st

from visionfail import corruptions, data, failure, figures
from visionfail.studies import auditing

ORIGINS = {
    "official": "Digits: MNIST's test set.",
    "standin": "Digits: a standin, the 2,000 val digits embedded in a package, for MNIST is not on disk.",
}


@st.cache_resource
def loaded() -> failure.Monitor:
    return failure.load_monitor()


@st.cache_resource
def digits():
    return auditing.demo_digits()


st.set_page_config("visionfail: is it wrong?", layout="wide")
st.header("Does the network know when it is wrong?")
known, images = loaded(), digits()

with st.sidebar:
    source = st.radio("Picture", ["a digit", "your own"], horizontal=True)
    if source == "a digit":
        number = st.number_input(
            "Which digit", 0, len(images) - 1, 3, help=f"{len(images):,} to choose from"
        )
        picture, truth = images.images[number : number + 1], int(images.labels[number])
    else:
        sent = st.file_uploader("PNG or JPEG of one digit", accept_multiple_files=False)
        picture = truth = None
        if sent is not None:
            try:
                picture = data.as_digit(data.read_picture(sent.getvalue(), channels=1, side=28))
            except ValueError as error:
                st.error(str(error))
    shift = st.selectbox("Shift", ["none", *corruptions.SHIFTS])
    strength = st.slider("Strength", 0.0, 1.0, 0.5, 0.05, disabled=shift == "none")
    budget = st.select_slider(
        "Risk budget: mistakes among accepted answers", [row["budget"] for row in known.card["limits"]],
        value=known.card["limits"][1]["budget"], format_func="{:.0%}".format,
    )  # fmt: skip

if picture is None:
    st.info(
        "Send a picture of a single digit, and see whether the network is right and whether it knows."
    )
    st.stop()

if shift != "none":
    picture = corruptions.shift(picture, shift, strength)
found, limit = failure.monitor_answer(known, picture), known.limit(budget)
seen, said, decided = st.columns(3)
seen.image(
    picture[0, 0].numpy(),
    caption="what the network sees" + (f" (a {truth})" if truth is not None else ""),
    width=180,
)
said.metric("Answer", found.predicted)
said.metric("Confidence", f"{found.confidence:.1%}")
decided.metric("Auditor: chance that it is wrong", f"{found.failure:.1%}")
if found.accepted(limit["limit"]):
    decided.success("accepted")
elif limit["limit"] is None:
    decided.warning("abstains: no threshold keeps this budget")
else:
    decided.warning(f"abstains: more than {limit['limit']:.1%}")
decided.caption(
    f"At this budget {limit['coverage']:.0%} of test digits, four in five of them shifted, are answered."
)
st.pyplot(figures.latent_map(known.points, known.failure, known.failed, explained=known.card["explained"],
                             here=found.place, title="Where it lies among test digits"))  # fmt: skip
st.caption(
    "MNIST digits, shown under shifts that the auditor has learnt. Budgets were set on such a mix: for pictures of "
    f"another kind, your own among them, they promise nothing. {ORIGINS[images.origin]}"
)
