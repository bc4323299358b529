"""Attacks along the gradient of the loss, bounded in L-infinity: FGSM and PGD.

Images are in [0, 1] and the model normalises them itself, so epsilon is in pixels: 8 / 255 moves
each channel of each pixel by eight grey levels at most. Goodfellow et al. 2015, arXiv:1412.6572;
Madry et al. 2018, arXiv:1706.06083.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from visionfail import devices, models
from visionfail.attacks.accepted import batches, check_ascent, check_attack, logits_at

BATCH = 256
VANISHED = 1e-12  # a gradient below this in all pixels says nothing
STEP_SHARE = 2.5  # PGD's steps add up to this many epsilons, so that any point can be reached


def fgsm(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    epsilon: float,
    targeted: bool = False,
    dtype: torch.dtype = torch.float32,
    batch_size: int = BATCH,
) -> Tensor:
    """Images moved by epsilon along the sign of the gradient of their loss, float32 (N, C, H, W).

    Images are uint8, or floats in [0, 1], labels int64 (N,): the true classes, or with `targeted`
    the classes to be answered. An image that is answered wrongly (targeted: as wanted) as it is
    stays as it is, for a worst case never helps. `dtype` torch.bfloat16 computes gradients under
    autocast. The model is run in eval mode and left as it was. ValueError for an epsilon outside
    [0, 1], images or labels out of range, or a model without a gradient or one that
    `models.predict` refuses; FloatingPointError where the loss is not finite.
    """
    check_attack(model, images, labels, epsilon, batch_size=batch_size)
    direction = fgsm_direction(
        model, images, labels, targeted=targeted, dtype=dtype, batch_size=batch_size
    )
    return along(images, direction, epsilon)


def fgsm_direction(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    targeted: bool = False,
    dtype: torch.dtype = torch.float32,
    batch_size: int = BATCH,
) -> Tensor:
    """Where FGSM moves each pixel: -1, 0 or 1, int8 (N, C, H, W), the same for every epsilon.

    0 throughout for an image that needs no attack. Arguments and errors are those of `fgsm`.
    """
    check_attack(model, images, labels, 0.0, batch_size=batch_size)
    directions = []
    with _attackable(model, dtype) as network:
        for clean, wanted in batches(model, images, labels, batch_size):
            gradient, _, logits = loss_gradient(network, clean, wanted, dtype=dtype)
            toward = -gradient.sign() if targeted else gradient.sign()
            needed = ~succeeded(logits, wanted, targeted=targeted)
            directions.append((toward * needed[:, None, None, None]).to(torch.int8).cpu())
    return torch.cat(directions)


def along(images: Tensor, direction: Tensor, epsilon: float) -> Tensor:
    """Images moved by epsilon along a direction of `fgsm_direction`, floats in [0, 1].

    They are float64 where the images are, else float32: half of it would round epsilon.
    """
    images = images.detach().cpu()
    pixels = images if images.dtype == torch.float64 else models.as_float(images)
    return (pixels + epsilon * direction.to(pixels.dtype)).clamp(0, 1)


def pgd(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    epsilon: float,
    steps: int,
    step_size: float | None = None,
    restarts: int = 1,
    seed: int,
    targeted: bool = False,
    dtype: torch.dtype = torch.float32,
    batch_size: int = BATCH,
) -> Tensor:
    """The worst of all points that projected gradient ascent comes by, float32 (N, C, H, W).

    Each restart begins at a random point within epsilon, drawn for image k from (seed, restart, k),
    and takes `steps` steps of `step_size`, by default 2.5 * epsilon / steps. Tried are the clean
    image, the end point of FGSM and every step of every restart; kept is of those answered wrongly,
    else of all, the one of largest loss. So PGD is never weaker than FGSM, and an image answered
    wrongly as it is stays as it is. Other arguments and errors are those of `fgsm`; ValueError for
    less than one step or restart, a seed below 0 and a negative step_size, too.
    """
    check_attack(model, images, labels, epsilon, batch_size=batch_size)
    check_ascent(steps, restarts, seed, step_size)
    size = STEP_SHARE * epsilon / steps if step_size is None else step_size
    attacked = []
    first = 0
    with _attackable(model, dtype) as network:
        for clean, wanted in batches(model, images, labels, batch_size):
            gradient, loss, logits = loss_gradient(network, clean, wanted, dtype=dtype)
            worst = Worst(clean, wanted, logits, targeted=targeted)
            worst.offer(clean, loss, logits)
            moved = step(clean, gradient, clean, size=epsilon, epsilon=epsilon, targeted=targeted)
            worst.offer(moved, *_loss_of(network, moved, wanted, dtype=dtype))
            for restart in range(restarts):
                start = random_start(clean, epsilon, seed=seed, restart=restart, first=first)
                climb = pgd_steps(
                    network,
                    start,
                    clean,
                    wanted,
                    epsilon=epsilon,
                    steps=steps,
                    step_size=size,
                    targeted=targeted,
                    dtype=dtype,
                )
                for point, loss, logits in climb:
                    worst.offer(point, loss, logits)
            attacked.append(worst.points.cpu())
            first += len(clean)
    return torch.cat(attacked)


def pgd_steps(
    model: nn.Module,
    start: Tensor,
    clean: Tensor,
    labels: Tensor,
    *,
    epsilon: float,
    steps: int,
    step_size: float,
    targeted: bool = False,
    dtype: torch.dtype = torch.float32,
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Each point of one ascent from `start`, the last included, with its loss and logits.

    (points (N, C, H, W) within epsilon of `clean` and in [0, 1], loss (N,), logits (N, K)). The
    model is used as it is: in eval mode, its weights frozen.
    """
    points = start
    for _ in range(steps):
        gradient, loss, logits = loss_gradient(model, points, labels, dtype=dtype)
        yield points, loss, logits
        points = step(points, gradient, clean, size=step_size, epsilon=epsilon, targeted=targeted)
    yield points, *_loss_of(model, points, labels, dtype=dtype)


@contextmanager
def _attackable(model: nn.Module, dtype: torch.dtype) -> Iterator[nn.Module]:
    """The network in eval mode, weights frozen, gradients on; for bfloat16 its norms are folded.

    Nothing compiled or in parallel is run.
    """
    network = models.unwrapped(model)
    eager = torch.compiler.set_stance("force_eager")  # compiled in place it may refuse gradients
    with (
        eager,
        models.evaluating(network),
        models.frozen(network),
        torch.inference_mode(False),
        torch.enable_grad(),
    ):
        yield network if dtype == torch.float32 else models.fold_norms(network)


class Worst:
    """For each image of a batch, the worst point that has been offered.

    A point that succeeds is worse than one that does not, and of two alike the one of larger loss:
    it survives rounding. An image that needs no attack stays as it is.
    """

    def __init__(self, clean: Tensor, labels: Tensor, logits: Tensor, *, targeted: bool) -> None:
        self.points = clean.clone()
        self.labels = labels
        self.targeted = targeted
        self.settled = succeeded(logits, labels, targeted=targeted)
        self.done = self.settled.clone()
        self.loss = torch.full(labels.shape, -torch.inf, device=clean.device)

    def offer(self, points: Tensor, loss: Tensor, logits: Tensor) -> None:
        """Keep those of the points (N, C, H, W) that are worse than what is kept."""
        done = succeeded(logits, self.labels, targeted=self.targeted)
        toward = -loss if self.targeted else loss
        better = (done & ~self.done) | ((done == self.done) & (toward > self.loss))
        better &= ~self.settled
        self.points = torch.where(better[:, None, None, None], points, self.points)
        self.loss = torch.where(better, toward, self.loss)
        self.done |= done


def loss_gradient(
    model: nn.Module, points: Tensor, labels: Tensor, *, dtype: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradient of each image's cross-entropy by its pixels (N, C, H, W), loss (N,), logits.

    ValueError where the model's output has no gradient, FloatingPointError where a loss is not
    finite.
    """
    inputs = points.detach().requires_grad_(True)
    loss, logits = _loss_of(model, inputs, labels, dtype=dtype)
    gradient = _gradient_of(loss, inputs) if loss.requires_grad else None
    if gradient is None:
        raise ValueError(
            "the model gives no gradient: it detaches its input or computes without grad. An "
            "attack along the gradient says nothing about it."
        )
    return gradient, loss.detach(), logits.detach()


def _gradient_of(loss: Tensor, inputs: Tensor) -> Tensor | None:
    """The gradient of the sum of losses (N,) by the inputs; None where they have no part in it."""
    try:
        with devices.in_precision(inputs.device, torch.float32):
            (gradient,) = torch.autograd.grad(loss.sum(), inputs, allow_unused=True)
    except Exception as error:  # of anybody's backward, so anything
        raise models.pass_error(
            error,
            len(inputs),
            f"the model has no backward pass ({models.first_line(error)}): an attack along the "
            "gradient says nothing about it, so attack a version whose parts all have one.",
        ) from error
    return gradient


def silent_gradients(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Whether each image's gradient is zero everywhere or not finite, bool (N,).

    An attack along it then goes nowhere, however fragile the model. Errors are those of `fgsm`.
    """
    check_attack(model, images, labels, 0.0)
    silent = []
    with _attackable(model, torch.float32) as network:
        for clean, wanted in batches(model, images, labels, BATCH):
            by_pixel, _, _ = loss_gradient(network, clean, wanted)
            largest = by_pixel.flatten(1).abs().amax(dim=1)  # (B,), NaN where one is
            silent.append((~torch.isfinite(largest) | (largest < VANISHED)).cpu())
    return torch.cat(silent)


def _loss_of(
    model: nn.Module, points: Tensor, labels: Tensor, *, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """(cross-entropy (N,), logits (N, K)) of images; FloatingPointError for a loss not finite."""
    with devices.in_precision(points.device, dtype):
        logits = logits_at(model, points)
    with devices.in_precision(points.device, torch.float32):
        loss = cross_entropy(logits, labels, reduction="none")
    if not torch.isfinite(loss).all():
        bad = int((~torch.isfinite(loss)).sum())
        raise FloatingPointError(f"the loss of {bad} of {len(loss)} images is not finite.")
    return loss, logits


def step(
    points: Tensor, gradient: Tensor, clean: Tensor, *, size: float, epsilon: float, targeted: bool
) -> Tensor:
    """Points one step on, in the epsilon-ball around `clean` and in [0, 1]."""
    sign = -1 if targeted else 1
    moved = points + sign * size * gradient.sign()
    within = torch.minimum(torch.maximum(moved, clean - epsilon), clean + epsilon)
    return within.clamp(0, 1)


def random_start(clean: Tensor, epsilon: float, *, seed: int, restart: int, first: int) -> Tensor:
    """Points drawn evenly within epsilon of images (N, C, H, W), in [0, 1].

    Image k draws from (seed, restart, first + k), so that its attack does not depend on its batch.
    """
    noise = []
    for k in range(len(clean)):
        rng = np.random.default_rng([seed, restart, first + k])
        noise.append(rng.uniform(-epsilon, epsilon, clean.shape[1:]))
    drawn = torch.from_numpy(np.stack(noise)).to(clean)
    return (clean + drawn).clamp(0, 1)


def succeeded(logits: Tensor, labels: Tensor, *, targeted: bool) -> Tensor:
    """Whether each image is answered wrongly, or with `targeted` as wanted: bool (N,)."""
    as_labelled = logits.argmax(1) == labels
    return as_labelled if targeted else ~as_labelled
