"""Twenty visitors at once, each with a picture of their own: none gets another one's answer."""

import threading

import numpy as np
import pytest
import visitors
from makers import STATS, squares

from visionfail import failure, models
from visionfail.failure import monitor
from visionfail.risk.calibration import Calibration
from visionfail.risk.config import RiskConfig
from visionfail.risk.saved import Classifier

VISITORS = 20
PICTURES = squares(VISITORS, seed=0).images


def all_at_once(ask):
    """What ask(picture) gives each visitor, all of them at once."""
    answers = {}
    together = threading.Barrier(VISITORS)

    def visit(number):
        together.wait()
        answers[number] = ask(PICTURES[number : number + 1])

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(VISITORS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def assert_nobody_is_wrong(ask):
    alone = [ask(PICTURES[number : number + 1]) for number in range(VISITORS)]
    answers = all_at_once(ask)
    assert sorted(answers) == list(range(VISITORS))  # nobody's thread ended in an error
    for number, expected in enumerate(alone):
        for found, wanted in zip(answers[number], expected, strict=True):
            assert np.array_equal(found, wanted), number


def test_on_the_page_of_cifar10():
    known = failure.load_monitor(**monitor.CIFAR10)

    def ask(picture):
        answer, heat = visitors.answer_with_map(known, picture)
        return answer.predicted, answer.confidence, answer.failure, heat

    assert_nobody_is_wrong(ask)


@pytest.mark.parametrize("attack", ["FGSM", "PGD"])
def test_on_the_page_of_attacks(tiny_model, attack):
    def ask(picture):
        found = visitors.attack_picture(
            tiny_model, picture, truth=None, attack=attack, epsilon=4 / 255
        )
        return found.moved, found.before, found.after, found.lights

    assert_nobody_is_wrong(ask)
    assert all(weights.requires_grad for weights in tiny_model.parameters())


def test_on_the_page_of_risk(tmp_path):
    network = models.build("imagenet_resnet18", num_classes=2, width=16, **STATS)
    network.resize_to(64, "bilinear")
    made = Classifier(network, {}, RiskConfig(side=32), Calibration(1.0, 0.0), tmp_path)
    assert_nobody_is_wrong(lambda picture: visitors.score_with_map(made, picture))
    _, heat, _ = visitors.score_with_map(made, PICTURES[:1])
    assert heat.shape == (32, 32)
    network.resize_to(32, "bilinear")
    _, heat, why = visitors.score_with_map(made, PICTURES[:1])
    assert heat is None and "one cell" in why  # it cannot say where
