"""One picture under attack, as a page in the browser: how little turns a ResNet-18's answer.

Shown are the picture, the picture attacked, their difference times ten, both answers, and lights
that say whether the attack can be believed.
"""

import cifar10_pictures
import streamlit as st
import visitors
from cifar10_pictures import CLASSES
from torch import Tensor, nn

from visionfail import models
from visionfail.figures.attacks import AMPLIFIED
from visionfail.studies import uneven

WIDTH = 220


@st.cache_resource
def cached_defended() -> nn.Module:
    """The network trained on attacked images, loaded once for all visitors."""
    return models.load(uneven.DEFENDED)[0]


def show(column, values: Tensor, caption: str) -> None:
    """A picture (1, 3, H, W) of floats in [0, 1], with words below."""
    column.image(values[0].permute(1, 2, 0).numpy(), caption=caption, width=WIDTH)


def show_answer(column, logits: Tensor, words: str) -> None:
    """The answer that logits (1, K) give, and how sure it is."""
    sure, answer = logits.softmax(1).max(1)
    column.metric(words, CLASSES[int(answer)], f"{float(sure):.1%} sure", delta_color="off")


st.set_page_config("visionfail: a picture under attack", layout="wide")
st.header("How little turns an answer?")

with st.sidebar:
    picture, truth = cifar10_pictures.choose_picture()
    kind = st.radio("Network", ["standard", "defended"], horizontal=True)
    attack = st.radio("Attack", ["PGD", "FGSM"], horizontal=True)
    epsilon = st.slider("Epsilon, of 255 grey levels", 0.0, 16.0, 2.0, 0.5) / 255

if picture is None:
    cifar10_pictures.ask_for_a_picture()

model = cifar10_pictures.cached_monitor().model if kind == "standard" else cached_defended()
found = visitors.attack_picture(model, picture, truth=truth, attack=attack, epsilon=epsilon)
columns = st.columns(3)
show_answer(columns[0], found.before, "Answer")
show_answer(columns[1], found.after, "Answer, attacked")

clean = models.as_float(picture)
show(columns[0], clean, "clean" if truth is None else f"clean ({CLASSES[truth]})")
show(columns[1], found.moved, f"each channel of a pixel moved by at most {255 * epsilon:g} of 255")
difference = (0.5 + AMPLIFIED * (found.moved - clean)).clamp(0, 1)
show(columns[2], difference, f"difference times {AMPLIFIED}")
lights = found.lights.assign(ok=found.lights.ok.map({True: "✓", False: "red"}))
st.dataframe(lights, hide_index=True)
st.caption(
    "The attack knows the network and moves pixels along the gradient of its loss. An answer that "
    "is wrong already is left alone. Of your own picture the class is not known: what is attacked "
    "is the network's answer. How often it succeeds, with intervals: notebook 07."
)
