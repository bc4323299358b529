"""A ResNet-18 on one picture: what corruption does to its answer, its confidence, its Grad-CAM map
and its auditor.
"""

import streamlit as st

from visionfail import corruptions, data, explain, failure, figures, paths
from visionfail.failure import monitor
from visionfail.names import readable


@st.cache_resource
def loaded() -> failure.Monitor:
    return failure.load_monitor(**monitor.CIFAR10)


@st.cache_resource
def images():
    """The test images where CIFAR-10 is on disk; never drawn objects, which this network has not
    learnt.
    """
    return data.load("cifar10", "test") if data.is_present("cifar10", paths.data_dir()) else None


st.set_page_config("visionfail: a ResNet-18 on one picture", layout="wide")
st.header("What does a corruption do to a ResNet-18?")
known, test = loaded(), images()

with st.sidebar:
    source = st.radio(
        "Picture", ["your own"] if test is None else ["a test image", "your own"], horizontal=True
    )
    picture, truth = None, None
    if source == "a test image":
        number = st.number_input("Which image", 0, len(test) - 1, 0)
        picture, truth = test.images[number : number + 1], test.classes[test.labels[number]]
    else:
        sent = st.file_uploader(
            "PNG or JPEG, cut to a square and shrunk to 32 x 32", accept_multiple_files=False
        )
        if sent is not None:
            try:
                picture = data.read_picture(sent.getvalue(), channels=3, side=32)
            except ValueError as error:
                st.error(str(error))
    names = ["none", *corruptions.CORRUPTIONS, *corruptions.EXTRAS]
    corruption = st.selectbox("Corruption", names, format_func=readable)
    severity = st.slider("Severity", 1, 5, 3, disabled=corruption == "none")

if picture is None:
    st.info("Send a picture of one of: " + ", ".join(data.CLASSES["cifar10"]) + ".")
    st.stop()

if corruption != "none":
    picture = corruptions.corrupt(picture, corruption, severity)
found = failure.monitor_answer(known, picture)
seen, mapped, said = st.columns(3)
seen.image(
    picture[0].permute(1, 2, 0).numpy(),
    caption="what the network sees" + (f" ({truth})" if truth else ""),
    width=220,
)
heat = explain.gradcam(known.model, picture, [found.predicted])[0]
mapped.image(figures.heat(heat), caption="Grad-CAM for its answer, layer4", width=220)
said.metric("Answer", data.CLASSES["cifar10"][found.predicted])
said.metric("Confidence", f"{found.confidence:.1%}")
said.metric("Auditor: chance that it is wrong", f"{found.failure:.1%}")
st.pyplot(figures.latent_map(known.points, known.failure, known.failed, explained=known.card["explained"],
                             here=found.place, title="Where it lies among corrupted test images"))  # fmt: skip
st.caption(
    "This auditor has learnt under all 15 corruptions of CIFAR-10-C. Under others confidence may be the "
    "better guide: notebook 11. Grad-CAM says where the evidence for the answer lies, in 4 x 4 cells, no more."
)
