"""Reading layers leaves the caller's process as it was."""

import pytest
import torch
from makers.around import compiles
from makers.strangers import plain_cnn

from visionfail import failure

IMAGES = torch.randint(256, (2, 3, 32, 32), generator=torch.Generator().manual_seed(0)).byte()


@pytest.mark.fault("settings around the call")
def test_a_layer_that_is_not_there_leaves_the_compiler_on():
    with pytest.raises(ValueError, match="no layer 'nowhere'"):
        failure.extract(plain_cnn(), IMAGES, [0, 1], layers=["nowhere"])
    assert compiles()
