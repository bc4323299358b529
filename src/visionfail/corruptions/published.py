"""The published CIFAR-10-C files, and which of them our corruptions reproduce byte for byte.

A file is one corruption: uint8 (50000, 32, 32, 3), the 10,000 official test images at severity 1,
then 2, to 5. Their MD5 sums are public (Zenodo record 2535967), so that whoever has CIFAR-10 can
prove the match without the 2.9 GB.
"""

import hashlib
import io
from collections.abc import Iterable, Iterator

import numpy as np
from torch import Tensor

from visionfail.corruptions.apply import corrupt

PUBLISHED_MD5 = {
    "brightness": "0a81ef75e0b523c3383219c330a85d48",
    "contrast": "3c8262171c51307f916c30a3308235a8",
    "defocus_blur": "7d1322666342a0702b1957e92f6254bc",
    "elastic_transform": "9421657c6cd452429cf6ce96cc412b5f",
    "fog": "7b397314b5670f825465fbcd1f6e9ccd",
    "frost": "31f6ab3bce1d9934abfb0cc13656f141",
    "gaussian_blur": "c33370155bc9b055fb4a89113d3c559d",
    "gaussian_noise": "ecaf8b9a2399ffeda7680934c33405fd",
    "glass_blur": "7361fb4019269e02dbf6925f083e8629",
    "impulse_noise": "2090e01c83519ec51427e65116af6b1a",
    "jpeg_compression": "2b9cc4c864e0193bb64db8d7728f8187",
    "labels": "c439b113295ed5254878798ffe28fd54",
    "motion_blur": "fffa5f852ff7ad299cfe8a7643f090f4",
    "pixelate": "0f14f7e2db14288304e1de10df16832f",
    "saturate": "1cfae0964219c5102abbb883e538cc56",
    "shot_noise": "3a7239bb118894f013d9bf1984be7f11",
    "snow": "bb238de8555123da9c282dea23bd6e55",
    "spatter": "8a5a3903a7f8f65b59501a6093b4311e",
    "speckle_noise": "ef00b87611792b00df09c0b0237a1e30",
    "zoom_blur": "6ea8e63f1c5cdee1517533840641641b",
}

# proven by a test on the real images; of the others, the random ones were made without a seed, JPEG
# with an older library
IDENTICAL = (
    "brightness",
    "contrast",
    "defocus_blur",
    "gaussian_blur",
    "pixelate",
    "saturate",
    "zoom_blur",
)


def regenerated_md5(images: Tensor, name: str) -> str:
    """The MD5 of the whole .npy file that `corrupt` makes of the official test images.

    They are uint8 (10000, 3, 32, 32), in the official order.
    """
    shape = (5 * len(images), *images.shape[2:], images.shape[1])
    return npy_md5(corrupted_blocks(images, name), shape)


def corrupted_blocks(images: Tensor, name: str, size: int = 1000) -> Iterator[np.ndarray]:
    """All images at severity 1, then 2, to 5, in blocks of (size, H, W, C).

    No more than a block is held at a time.
    """
    for severity in range(1, 6):
        for start in range(0, len(images), size):
            block = corrupt(images[start : start + size], name, severity, first_index=start)
            yield block.permute(0, 2, 3, 1).cpu().numpy()


def npy_md5(blocks: Iterable[np.ndarray], shape: tuple[int, ...]) -> str:
    """The MD5 of the file that np.save (format 1.0) writes of the joined blocks, uint8 `shape`."""
    header = io.BytesIO()
    description = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, description)
    digest = hashlib.md5(header.getvalue(), usedforsecurity=False)
    for block in blocks:
        digest.update(np.ascontiguousarray(block, dtype=np.uint8).data)
    return digest.hexdigest()
