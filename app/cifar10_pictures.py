"""What the pages about CIFAR-10 share: the network, its pictures, and the choice of one."""

from typing import NoReturn

import streamlit as st
from torch import Tensor

from visionfail import data, failure, paths
from visionfail.failure import monitor

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


def choose_picture() -> tuple[Tensor | None, int | None]:
    """(a picture (1, 3, 32, 32), its class): a test image, or the visitor's own, of no known class.

    The picture is None where nothing readable has been sent.
    """
    test = cached_test_images()
    sources = ["your own"] if test is None else ["a test image", "your own"]
    source = st.radio("Picture", sources, horizontal=True)
    if test is None or source == "your own":
        return upload_picture(), None
    number = st.number_input("Which image", 0, len(test) - 1, 0)
    return test.images[number : number + 1], int(test.labels[number])


def upload_picture() -> Tensor | None:
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


def ask_for_a_picture() -> NoReturn:
    """Say what may be sent, and stop the page here."""
    st.info("Send a picture of one of: " + ", ".join(CLASSES) + ".")
    st.stop()
