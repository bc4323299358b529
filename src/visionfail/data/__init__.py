"""The data sets as uint8 tensors, the same splits on every machine."""

from visionfail.data.cifar10c import is_cifar10_test
from visionfail.data.cifar10h import MD5, cifar10h_is_present, load_cifar10h
from visionfail.data.folders import load_folder
from visionfail.data.image_io import PICTURE_SUFFIXES, as_digit, read_picture, read_whole_picture
from visionfail.data.imageset import ORIGINS, ImageSet
from visionfail.data.pretrained import load_imagenet_weights
from visionfail.data.sets import (
    CHANNEL_STATS,
    CLASSES,
    SPLITS,
    fetch,
    is_present,
    load,
    load_cifar10c,
    load_or_standin,
)
from visionfail.data.sizes import pixel_sizes
from visionfail.data.splits import stratified_order

__all__ = [
    "CHANNEL_STATS",
    "CLASSES",
    "MD5",
    "ORIGINS",
    "PICTURE_SUFFIXES",
    "SPLITS",
    "ImageSet",
    "as_digit",
    "cifar10h_is_present",
    "fetch",
    "is_cifar10_test",
    "is_present",
    "load",
    "load_cifar10c",
    "load_cifar10h",
    "load_folder",
    "load_imagenet_weights",
    "load_or_standin",
    "pixel_sizes",
    "read_picture",
    "read_whole_picture",
    "stratified_order",
]
