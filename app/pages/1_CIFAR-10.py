"""A ResNet-18 on one picture, as a page in the browser: what a corruption does to its answer.

Shown are the answer, its confidence, its Grad-CAM map and what the auditor says.
"""

import cifar10_pictures
import streamlit as st
import visitors
from cifar10_pictures import CLASSES

from visionfail import corruptions, figures
from visionfail.figures import pictures
from visionfail.names import readable

st.set_page_config("visionfail: a ResNet-18 on one picture", layout="wide")
st.header("What does a corruption do to a ResNet-18?")
network = cifar10_pictures.cached_monitor()

with st.sidebar:
    picture, truth = cifar10_pictures.choose_picture()
    names = ["none", *corruptions.CORRUPTIONS, *corruptions.EXTRAS]
    corruption = st.selectbox("Corruption", names, format_func=readable)
    severity = st.slider("Severity", 1, 5, 3, disabled=corruption == "none")

if picture is None:
    cifar10_pictures.ask_for_a_picture()

if corruption != "none":
    picture = corruptions.corrupt(picture, corruption, severity)
answer, heat = visitors.answer_with_map(network, picture)
picture_column, map_column, answer_column = st.columns(3)
caption = "what the network sees"
if truth is not None:
    caption += f" ({CLASSES[truth]})"
picture_column.image(picture[0].permute(1, 2, 0).numpy(), caption=caption, width=220)
map_column.image(pictures.heat(heat), caption="Grad-CAM for its answer, layer4", width=220)
answer_column.metric("Answer", CLASSES[answer.predicted])
answer_column.metric("Confidence", f"{answer.confidence:.1%}")
answer_column.metric("Auditor: chance that it is wrong", f"{answer.failure:.1%}")
latents = figures.latent_map(
    network.points,
    network.failure,
    network.failed,
    explained=network.card["explained"],
    here=answer.place,
    title="Where it lies among corrupted test images",
)
st.pyplot(latents)
st.caption(
    "This auditor has learnt under all 15 corruptions of CIFAR-10-C. Under others confidence may "
    "be the better guide: notebook 11. Grad-CAM says where the evidence for the answer lies, "
    "in 4 x 4 cells, no more."
)
