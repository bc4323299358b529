"""Models that do what hardly any does: right, or refused in one sentence before the long pass."""

import numpy as np
import pytest
import torch
from makers import squares
from makers.strangers import plain_cnn
from torch import nn

from visionfail import attacks, corruptions, data, evaluation, explain, failure, models

pytestmark = pytest.mark.fault("networks of all kinds: uncommon ways")

IMAGES = squares(6, seed=0).images
LABELS = squares(6, seed=0).labels


def seeded(make):
    """What `make` builds, of the same weights each time, in eval mode."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return make().eval()


def plain_logits(network, images=IMAGES):
    with torch.no_grad():
        return network(images.float() / 255)


class Preallocated(nn.Module):
    """Writes every answer into the same memory."""

    def __init__(self):
        super().__init__()
        self.net = plain_cnn()
        self.out = torch.zeros(8, 10)

    def forward(self, images):
        return self.out[: len(images)].copy_(self.net(images).detach())


def test_answers_written_into_one_memory_are_each_batchs_own():
    model = seeded(Preallocated)
    expected = plain_logits(model.net)
    torch.testing.assert_close(models.predict(model, IMAGES, batch_size=2), expected)
    seen = failure.extract(model, IMAGES, LABELS, layers=["net.1"], batch_size=2)
    torch.testing.assert_close(torch.from_numpy(seen.logits), expected)


class Turning(nn.Module):
    """Puts the channels last, which neither its parts nor the shape of 8 x 8 x 8 tells."""

    def forward(self, maps):
        return maps.permute(0, 2, 3, 1)


def turning_cnn(channels, turn):
    return nn.Sequential(
        nn.Conv2d(3, channels, 3, stride=4, padding=1),  # (N, channels, 8, 8)
        turn,
        nn.Flatten(),
        nn.Linear(64 * channels, 10),
    )


def test_a_layer_whose_channels_nothing_tells_is_refused():
    model = seeded(lambda: turning_cnn(8, Turning()))
    with pytest.raises(ValueError, match=r"'1' puts out \(2, 8, 8, 8\).*more than one axis"):
        failure.extract(model, IMAGES, LABELS, layers=["1"])
    with pytest.raises(ValueError, match=r"'1' puts out \(6, 8, 8, 8\).*more than one axis"):
        explain.gradcam(model, IMAGES, LABELS, layer="1")


@pytest.mark.parametrize(("channels", "turn"), [(6, Turning()), (8, nn.GELU())])
def test_a_layer_is_read_where_its_shape_or_its_kind_tells(channels, turn):
    model = seeded(lambda: turning_cnn(channels, turn))
    seen = failure.extract(model, IMAGES, LABELS, layers=["1"])
    expected = plain_logits(model[:2]).mean((1, 2) if isinstance(turn, Turning) else (2, 3))
    torch.testing.assert_close(torch.from_numpy(seen.latents["1"]), expected)


def test_a_layer_of_tokens_whose_channels_nothing_tells_is_refused():
    class TurnedTokens(nn.Module):
        def forward(self, maps):
            return maps.flatten(2)  # (N, 8, 64): channels are first

    layers = [nn.Conv2d(3, 8, 3, stride=4, padding=1), TurnedTokens(), nn.LayerNorm(64)]
    model = seeded(lambda: nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 10)))
    with pytest.raises(ValueError, match=r"'1' puts out .*more than one axis"):
        failure.extract(model, IMAGES, LABELS, layers=["1"])


def one_sentence(refused):
    text = str(refused.value)
    return "\n" not in text and text.endswith(".") and len(text) < 500


def few_set(count=6):
    return data.ImageSet(IMAGES[:count], LABELS[:count], tuple("abcdefghij"), "standin")


@pytest.fixture
def few_corruptions(monkeypatch):
    """Corruptions that cost nothing; contrast alone changes the picture."""

    def corrupt(images, name, severity, *, seed=0):
        return images // 4 if name == "contrast" else images

    monkeypatch.setattr(corruptions, "corrupt", corrupt)


class Dropping(nn.Module):
    """Draws in eval mode, too."""

    def __init__(self):
        super().__init__()
        self.net = plain_cnn()

    def forward(self, images):
        return self.net(nn.functional.dropout(images, 0.5))


def batch_statistics():
    network = plain_cnn()
    network[1] = nn.BatchNorm2d(6, track_running_stats=False)
    return network


class Counted(nn.Module):
    """Counts the images that it has seen."""

    def __init__(self, net):
        super().__init__()
        self.net = net
        self.images = 0

    def forward(self, images):
        self.images += len(images)
        return self.net(images)


CHANGING = [(Dropping, "net.net.1", size) for size in (512, 5, 2, 1)]
CHANGING += [(batch_statistics, "net.1", size) for size in (512, 5, 2)]


@pytest.mark.parametrize(("make", "layer", "size"), CHANGING)
def test_extract_refuses_logits_that_depend_on_chance_or_on_the_batch(make, layer, size):
    model = Counted(seeded(make))
    images = squares(41, seed=0)
    with pytest.raises(ValueError, match="other logits when asked again in") as refused:
        failure.extract(model, images.images, images.labels, layers=[layer], batch_size=size)
    assert one_sentence(refused) and model.images <= 5


@pytest.mark.parametrize("make", [Dropping, batch_statistics])
def test_benchmark_refuses_logits_that_depend_on_chance_or_on_the_batch(make, tmp_path):
    with pytest.raises(ValueError, match="other logits when asked again") as refused:
        evaluation.benchmark(seeded(make), few_set(), folder=tmp_path, severities=(5,))
    assert one_sentence(refused) and list(tmp_path.iterdir()) == []


class Rounding(nn.Module):
    """Rounds to 127 steps of the batch's largest number, as dynamic quantisation does."""

    def forward(self, values):
        step = values.abs().max() / 127
        return (values / step).round() * step


def test_rounding_by_the_batch_is_no_dependence_on_it(tmp_path, few_corruptions):
    model = seeded(lambda: nn.Sequential(*plain_cnn()[:5], Rounding(), plain_cnn()[5]))
    failure.extract(model, IMAGES, LABELS, layers=["1"])
    evaluation.benchmark(model, few_set(), folder=tmp_path, severities=(5,))


def test_extract_refuses_probabilities_before_the_long_pass():
    model = Counted(seeded(lambda: nn.Sequential(plain_cnn(), nn.Softmax(1))))
    with pytest.raises(ValueError, match=r"gives probabilities.*without its softmax") as refused:
        failure.extract(model, IMAGES, LABELS, layers=["net.0.1"])
    assert one_sentence(refused) and model.images <= 2


class NotFinite(nn.Module):
    """Gives no number for dark pictures."""

    def __init__(self):
        super().__init__()
        self.net = plain_cnn()

    def forward(self, images):
        dark = images.mean((1, 2, 3)) < 0.15
        return self.net(images).masked_fill(dark[:, None], torch.nan)


def test_extract_says_of_how_many_images_logits_are_not_finite():
    images = IMAGES.clone()
    images[3:5] = 0
    with pytest.raises(ValueError, match="logits of 2 of 6 images are not finite") as refused:
        failure.extract(seeded(NotFinite), images, LABELS, layers=["net.1"])
    assert one_sentence(refused)


def test_a_sweep_names_the_condition_whose_logits_are_not_finite(tmp_path, few_corruptions):
    model = seeded(NotFinite)
    words = r"logits of 6 of 6 images under contrast at severity 5 are not finite"
    with pytest.raises(ValueError, match=words) as refused:
        evaluation.benchmark(model, few_set(), folder=tmp_path, severities=(5,))
    assert one_sentence(refused)


class TwoTokens(nn.Module):
    """Sequences of two tokens, whose axis comes first."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 16, stride=16)  # (N, 16, 2, 2)
        self.encoder = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0)
        self.fc = nn.Linear(16, 10)

    def forward(self, images):
        tokens = self.patches(images).flatten(2).permute(2, 0, 1)[:2]  # (2, N, 16)
        return self.fc(self.encoder(tokens).mean(0))


@pytest.mark.parametrize(("count", "size"), [(2, 512), (6, 2), (5, 2), (6, 512)])
def test_a_sequence_as_long_as_the_batch_is_not_mistaken_for_it(count, size):
    model = seeded(TwoTokens)
    with pytest.raises(ValueError, match=r"'encoder' puts out .* images") as refused:
        failure.extract(model, IMAGES[:count], LABELS[:count], layers=["encoder"], batch_size=size)
    assert one_sentence(refused)


class SqueezedPool(nn.Module):
    """A batch of one image loses its first axis."""

    def forward(self, maps):
        return maps.mean((2, 3)).squeeze()


@pytest.mark.parametrize(("count", "size"), [(5, 4), (1, 4), (3, 1), (6, 512)])
def test_a_layer_that_squeezes_a_last_batch_of_one_is_read(count, size):
    model = seeded(lambda: nn.Sequential(nn.Conv2d(3, 6, 3), SqueezedPool(), nn.Linear(6, 10)))
    images = IMAGES[:count]
    seen = failure.extract(model, images, LABELS[:count], layers=["1"], batch_size=size)
    expected = plain_logits(model[0], images).mean((2, 3))
    torch.testing.assert_close(torch.from_numpy(seen.latents["1"]), expected)


class OneImage(nn.Module):
    """Takes one image at a time."""

    def __init__(self):
        super().__init__()
        self.net = plain_cnn()

    def forward(self, images):
        return self.net(images.view(1, 3, 32, 32))


def test_a_model_of_one_image_is_read_one_by_one():
    model = seeded(OneImage)
    seen = failure.extract(model, IMAGES, LABELS, layers=["net.1"], batch_size=1)
    torch.testing.assert_close(torch.from_numpy(seen.logits), plain_logits(model.net))


@pytest.mark.parametrize("last", [False, True])
def test_a_map_of_one_cell_says_nothing_of_where(last):
    pool = [nn.AdaptiveAvgPool2d(1), Turning()] if last else [nn.AdaptiveAvgPool2d(1)]
    layers = [nn.Conv2d(3, 6, 3), nn.Sequential(*pool), nn.Flatten(), nn.Linear(6, 10)]
    model = seeded(lambda: nn.Sequential(*layers))
    with pytest.raises(ValueError, match=r"'1' puts out .* one cell: choose an earlier") as refused:
        explain.gradcam(model, IMAGES, LABELS, layer="1")
    assert one_sentence(refused)


class Failing(nn.Module):
    """Does with its logits what it is told."""

    def __init__(self, change):
        super().__init__()
        self.net = plain_cnn()
        self.change = change

    def forward(self, images):
        return self.change(self.net(images))


def no_memory(logits):
    raise MemoryError


def no_memory_on_the_device(logits):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def too_large(logits):
    return logits + torch.empty(2**50)


REFUSED = {
    "sparse": (lambda z: z.to_sparse(), "a tensor of layout torch.sparse_coo, which is not dense"),
    "nested": (lambda z: torch.nested.as_nested_tensor(list(z)), "gives a nested tensor"),
    "memory": (no_memory, r"memory ran out for 6 images at once \(MemoryError\): pass a smaller"),
    "memory of a device": (no_memory_on_the_device, r"\(OutOfMemoryError: CUDA .* smaller batch_s"),
    "memory of the CPU": (too_large, r"memory ran out for 6 images at once .* smaller batch_size"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_an_answer_that_cannot_be_had_is_refused_with_its_remedy(kind):
    change, words = REFUSED[kind]
    with pytest.raises(ValueError, match=words) as refused:
        models.predict(seeded(lambda: Failing(change)), IMAGES)
    assert one_sentence(refused)


class Steps(torch.autograd.Function):
    """Rounds, without a backward pass."""

    @staticmethod
    def forward(context, values):
        return values.round()


class Stepping(nn.Module):
    """Sees its images in 255 steps."""

    def __init__(self):
        super().__init__()
        self.net = plain_cnn()

    def forward(self, images):
        return self.net(Steps.apply(images * 255) / 255)


class Detached(nn.Module):
    """Cuts its images off, and has a tensor of its own that asks for a gradient."""

    def __init__(self):
        super().__init__()
        self.net = plain_cnn()
        self.scale = torch.ones(10, requires_grad=True)

    def forward(self, images):
        return self.net(images.detach()) * self.scale


class WorkingInPlace(nn.Module):
    """Changes in place what its backward pass needs."""

    def __init__(self):
        super().__init__()
        self.net = plain_cnn()

    def forward(self, images):
        maps = self.net[:4](images).sigmoid()
        squared = maps * maps
        maps.add_(1)
        return self.net[4:](squared)


@pytest.mark.parametrize("make", [Stepping, Detached, WorkingInPlace])
@pytest.mark.parametrize("attack", [attacks.fgsm, attacks.pgd])
def test_attacks_refuse_a_model_without_a_gradient(make, attack):
    model = seeded(make)
    words = {"steps": 1, "seed": 0} if attack is attacks.pgd else {}
    before = [parameter.requires_grad for parameter in model.parameters()]
    with pytest.raises(ValueError, match=r"(no gradient|no backward pass).* attack") as refused:
        attack(model, IMAGES, LABELS, epsilon=4 / 255, **words)
    assert one_sentence(refused)
    assert [parameter.requires_grad for parameter in model.parameters()] == before


def test_a_batch_size_of_numpy_is_taken():
    model = seeded(plain_cnn)
    size = np.int64(4)
    assert torch.equal(
        models.predict(model, IMAGES, batch_size=size), models.predict(model, IMAGES, batch_size=4)
    )
    seen = failure.extract(model, IMAGES, LABELS, layers=["1"], batch_size=size)
    maps = explain.gradcam(model, IMAGES, LABELS, layer="1", batch_size=size)
    assert len(seen.logits) == len(maps) == 6


WHOLE = {
    "chance": (Dropping, "other logits when asked again in another batch"),
    "the batch": (batch_statistics, "other logits when asked again in another batch"),
    "probabilities": (lambda: nn.Sequential(plain_cnn(), nn.Softmax(1)), "gives probabilities"),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_a_choice_of_layers_names_what_is_wrong_with_the_whole_model(kind):
    make, words = WHOLE[kind]
    with pytest.raises(ValueError, match=words) as refused:
        failure.choose_layers(seeded(make), IMAGES)
    assert one_sentence(refused)


def test_logits_of_no_class_are_refused():
    with pytest.raises(ValueError, match=r"gives \(6, 0\) for 6 images") as refused:
        models.predict(seeded(lambda: Failing(lambda z: z[:, :0])), IMAGES)
    assert one_sentence(refused)
