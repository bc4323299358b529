"""A ResNet-18 on one picture, as a page in the browser: what a corruption does to its answer.

Shown are the answer, its confidence, its Grad-CAM map and what the auditor says.
"""

import streamlit as st
from torch import Tensor

from visionfail import corruptions, data, explain, failure, figures, paths
from visionfail.failure import monitor
from visionfail.figures import pictures
from visionfail.names import readable

CLASSES = data.CLASSES["cifar10"]


@st.cache_resource
def cached_monitor() -> failure.Monitor:
    """The ResNet-18 and its auditor, loaded once for all visitors."""
    return failure.load_monitor(**monitor.CIFAR10)


@st.cache_resource
def cached_test_images() -> data.ImageSet | None:
    """The test images where CIFAR-10 is on disk, else None.

    Drawn stand-ins would not do: this network has not learnt them.
    """
    if not data.is_present("cifar10", paths.data_dir()):
        return None
    return data.load("cifar10", "test")


def choose_image(test: data.ImageSet) -> tuple[Tensor, str]:
    """The test image (1, 3, 32, 32) that the visitor chooses, and its class."""
    number = st.number_input("Which image", 0, len(test) - 1, 0)
    return test.images[number : number + 1], CLASSES[int(test.labels[number])]


def upload_image() -> Tensor | None:
    """The visitor's own picture (1, 3, 32, 32); None where nothing readable has been sent."""
    label = "PNG or JPEG, cut to a square and shrunk to 32 x 32"
    sent = st.file_uploader(label, accept_multiple_files=False)
    if sent is None:
        return None
    try:
        return data.read_picture(sent.getvalue(), channels=3, side=32)
    except ValueError as error:
        st.error(str(error))
        return None


st.set_page_config("visionfail: a ResNet-18 on one picture", layout="wide")
st.header("What does a corruption do to a ResNet-18?")
network = cached_monitor()
test = cached_test_images()

with st.sidebar:
    sources = ["your own"] if test is None else ["a test image", "your own"]
    source = st.radio("Picture", sources, horizontal=True)
    truth = None
    if test is not None and source == "a test image":
        picture, truth = choose_image(test)
    else:
        picture = upload_image()
    names = ["none", *corruptions.CORRUPTIONS, *corruptions.EXTRAS]
    corruption = st.selectbox("Corruption", names, format_func=readable)
    severity = st.slider("Severity", 1, 5, 3, disabled=corruption == "none")

if picture is None:
    st.info("Send a picture of one of: " + ", ".join(CLASSES) + ".")
    st.stop()

if corruption != "none":
    picture = corruptions.corrupt(picture, corruption, severity)
answer = failure.monitor_answer(network, picture)
with monitor.ONE_AT_A_TIME:  # Grad-CAM hangs its hooks on the network that all visitors share
    heat = explain.gradcam(network.model, picture, [answer.predicted])[0]  # (H, W)
picture_column, map_column, answer_column = st.columns(3)
caption = "what the network sees"
if truth is not None:
    caption += f" ({truth})"
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
