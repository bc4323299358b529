import dataclasses

import numpy as np
import pytest

from visionfail.models import networks
from visionfail.models.optimizer import learning_rate
from visionfail.studies.transfer import recipes

MEMBERS = recipes.members()
BASELINE = MEMBERS[recipes.BASELINE]
FOLLOW_UPS = ("cutmix-64", "mixup-64", "weighted-64", "hard-64")
TOLD = ("name", "words", "seeds")  # of no consequence for what is learnt


def settings(member):
    """{"field" or "phase.field": value} of all that decides a network."""
    flat = {}
    for field, value in dataclasses.asdict(member).items():
        if field in ("head", "whole"):
            flat[field] = value is not None
            inside = value or {}
            flat.update({f"{field}.{name}": setting for name, setting in inside.items()})
        elif field not in TOLD:
            flat[field] = value
    return flat


def differences(one, other):
    """The settings in which two members differ."""
    first = settings(one)
    second = settings(other)
    return {field for field in first | second if first.get(field) != second.get(field)}


def phases(member):
    return [config for config in (member.head, member.whole) if config is not None]


def epochs(member):
    return sum(config.epochs for config in phases(member))


def test_every_member_is_found_by_its_name():
    assert all(name == member.name for name, member in MEMBERS.items())
    assert len({member.name for member in MEMBERS.values()}) == len(MEMBERS) == 17
    assert BASELINE.name == "tuned-64"


def test_no_two_members_are_trained_alike():
    seen = [str(sorted(settings(member).items())) for member in MEMBERS.values()]
    assert len(set(seen)) == len(seen)


def test_words_tell_members_apart():
    assert len({member.words for member in MEMBERS.values()}) == len(MEMBERS)


@pytest.mark.parametrize("name", MEMBERS)
def test_a_member_asks_for_what_there_is(name):
    member = MEMBERS[name]
    model = networks.build(member.arch, num_classes=10, width=4, mean=(0.5,) * 3, std=(0.5,) * 3)
    model.resize_to(member.side, member.resizing)
    assert set(member.unfrozen) <= {child for child, _ in model.named_children()}
    assert phases(member) and member.learns_from in ("", "weights", "hard")
    assert member.pretrained or set(member.unfrozen) == set(recipes.EVERYTHING)
    assert member.seeds[0] == 0 and set(member.seeds) <= set(recipes.SEEDS)


def test_everything_is_all_children_with_weights():
    model = networks.build(
        "imagenet_resnet18", num_classes=10, width=4, mean=(0.5,) * 3, std=(0.5,) * 3
    )
    with_weights = [name for name, child in model.named_children() if [*child.parameters()]]
    assert sorted(recipes.EVERYTHING) == sorted(with_weights)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cutmix-64", {"whole.mix"}),
        ("mixup-64", {"whole.mix"}),
        ("weighted-64", {"learns_from"}),
        ("hard-64", {"learns_from"}),
    ],
)
def test_a_follow_up_differs_from_the_baseline_in_one_thing(name, expected):
    follow_up = MEMBERS[name]
    assert differences(follow_up, BASELINE) == expected
    assert follow_up.seeds == BASELINE.seeds and follow_up.shifted


def test_follow_ups_come_after_the_baseline_from_which_they_learn():
    order = list(MEMBERS)
    for name, member in MEMBERS.items():
        if member.learns_from:
            assert order.index(name) > order.index(recipes.BASELINE)
            assert set(member.seeds) <= set(BASELINE.seeds)
            assert member.whole is not None and member.head is not None
    assert {name for name, member in MEMBERS.items() if member.learns_from} == set(FOLLOW_UPS[2:])


@pytest.mark.parametrize("rate", recipes.CONSTANT_RATES)
def test_constant_rates_differ_from_the_baseline_in_the_rates_alone(rate):
    member = MEMBERS[f"constant-{rate:g}-64"]
    allowed = {"head.schedule", "whole.schedule"}
    if rate != BASELINE.whole.peak_lr:
        allowed |= {"head.peak_lr", "whole.peak_lr"}
    # nor is it asked about shifted images
    assert differences(member, BASELINE) == allowed | {"shifted"}
    assert all(config.peak_lr == rate for config in phases(member))
    assert epochs(member) == epochs(BASELINE)


@pytest.mark.parametrize("name", ["at-once-64", "late-at-once-64", *FOLLOW_UPS])
def test_compared_networks_take_the_same_steps(name):
    member = MEMBERS[name]
    assert epochs(member) == epochs(BASELINE)
    assert {config.batch_size for config in (*phases(member), *phases(BASELINE))} == {128}


def test_all_layers_at_once_differ_in_the_frozen_phase_alone():
    member = MEMBERS["at-once-64"]
    changed = {field for field in differences(member, BASELINE) if not field.startswith("head")}
    assert changed == {"unfrozen", "whole.epochs", "shifted"}
    assert member.head is None and set(BASELINE.unfrozen) < set(member.unfrozen)
    late = MEMBERS["late-at-once-64"]  # the same two steps apart: which layers, and when
    assert differences(member, late) == {"unfrozen"}
    assert late.unfrozen == BASELINE.unfrozen


def test_a_pretrained_resnet50_is_the_baseline_but_for_its_depth():
    assert differences(recipes.DEEPER, BASELINE) == {"arch", "shifted"}
    assert recipes.DEEPER.name not in MEMBERS  # its weights need the download


def test_a_resnet50_is_trained_as_the_resnet18():
    one = MEMBERS["scratch-64"]
    other = MEMBERS["scratch-50-64"]
    assert differences(one, other) == {"arch", "shifted"}
    assert not one.pretrained and one.head is None and other.seeds == (0,)


def test_frozen_networks_differ_in_side_or_in_resizing():
    at_128 = MEMBERS["frozen-128"]
    for name in ("frozen-32", "frozen-64"):
        assert differences(MEMBERS[name], at_128) == {"side"}
    for name in ("frozen-128-bicubic", "frozen-128-bicubic-pil"):
        assert differences(MEMBERS[name], at_128) == {"resizing"}
        assert MEMBERS[name].resizing == name.removeprefix("frozen-128-")
    assert at_128.whole is None and at_128.resizing == "bilinear"


@pytest.mark.parametrize("name", ["tuned-64", "cutmix-64", "reference"])
def test_both_phases_lie_on_one_triangle(name):
    if name == "reference":
        member = dataclasses.replace(BASELINE, head=recipes.HEAD, whole=recipes.WHOLE)
    else:
        member = MEMBERS[name]
    per_epoch = 79  # batches of 10,000 images
    rates = []
    for config in recipes.staged(member.head, member.whole, seed=1):
        steps = config.epochs * per_epoch
        rates += [learning_rate(step, steps=steps, config=config) for step in range(steps)]
    steps = len(rates)
    step = np.arange(steps)
    triangle = np.minimum((step + 1) / (0.2 * steps), (steps - step) / (0.8 * steps))
    assert rates == pytest.approx(0.1 * triangle.clip(max=1))
    assert steps == epochs(member) * per_epoch


def test_phases_and_seeds_have_draws_of_their_own():
    seeds = []
    for seed in recipes.SEEDS:
        head, whole = recipes.staged(recipes.HEAD, recipes.TUNED, seed=seed)
        seeds += [head.seed, whole.seed]
        unseeded = [dataclasses.replace(config, seed=0, cycle=(0, 1)) for config in (head, whole)]
        assert unseeded == [recipes.HEAD, recipes.TUNED]
    assert len(set(seeds)) == 2 * len(recipes.SEEDS)
