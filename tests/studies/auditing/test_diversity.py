import numpy as np
import pytest
import torch

from visionfail import models, paths
from visionfail.data import standins
from visionfail.failure import has_enough_failures
from visionfail.metrics import Estimate, failure, intervals
from visionfail.models import networks
from visionfail.names import readable
from visionfail.studies.auditing import classifier, diversity

MNIST = {"mean": (0.1307,), "std": (0.3081,)}


@pytest.fixture(scope="module")
def study():
    sets = {split: standins.load_standin("mnist", split) for split in ("train", "auditor", "test")}
    model = networks.build("mnist_cnn", num_classes=10, width=8, **MNIST)
    config = classifier.adam_config(epochs=4, seed=0)
    model, _ = models.fit(model, sets["train"], sets["test"].first(100), config=config)
    return sets, {0: model}


def test_every_kind_is_learnt_equally_often_at_every_number():
    subsets = diversity.circle_of_kinds()
    assert len(subsets) == 7 * 8 == len(set(subsets))
    for number in range(1, 8):
        of_number = [subset for subset in subsets if len(subset) == number]
        for kind in diversity.KINDS:
            assert sum(kind in subset for subset in of_number) == number
        assert all(len(set(subset)) == number for subset in of_number)


def test_the_circle_is_the_one_that_is_written_down():
    noted = (paths.ROOT / "notes" / "decisions.md").read_text(encoding="utf-8")
    _, _, text = noted.partition("One random circle of the eight kinds: ")
    order = text.partition(", and round again")[0].split(", ")
    around = diversity.circle_of_kinds()[:8]  # one kind each, in the order of the circle
    assert [readable(kind) for (kind,) in around] == order
    pairs = diversity.circle_of_kinds()[8:16]
    assert [tuple(map(readable, pair)) for pair in pairs] == list(
        zip(order, [*order[1:], order[0]], strict=True)
    )


def test_as_many_draws_are_learnt_from_whatever_the_number_of_kinds(study):
    sets, fitted = study
    readings = diversity.read_kinds(fitted, sets["auditor"], seed=0)[0]
    assert list(readings) == ["clean", *diversity.KINDS]
    marked = {}
    for number, (kind, reading) in enumerate(readings.items()):
        labels = np.full(len(reading.labels), number)  # so that a draw tells its kind
        marked[kind] = type(reading)(reading.latents, reading.logits, labels)
    for kinds in (("noise",), ("noise", "contrast", "rotation")):
        learnt = diversity.learnt_from(marked, kinds)
        counts = np.bincount(learnt.labels, minlength=9)
        assert counts.sum() == 1000
        assert counts[0] == 200
        places = [list(marked).index(kind) for kind in kinds]
        assert counts[places].sum() == 800
        assert np.ptp(counts[places]) <= 1


def test_corruptions_come_at_all_severities_and_shifts_with_other_draws_for_another_seed(study):
    sets, _ = study
    digits = sets["test"].first(50)
    darker = diversity.under_kind(digits, "contrast", seed=0).images.flatten(1).float().std(1)
    plain = digits.images.flatten(1).float().std(1)
    left = (darker / plain).view(5, 10).mean(1)  # contrast that is left, by severity
    assert (left.diff() < 0).all()
    first = diversity.under_kind(digits, "noise", seed=0).images
    second = diversity.under_kind(digits, "noise", seed=1000).images
    assert not torch.equal(first, second)


def test_the_lead_is_the_auditors_auroc_minus_that_of_confidence_on_kinds_not_learnt(study):
    sets, fitted = study
    counts = intervals.resampling_counts(20, 500, np.random.default_rng(0))
    subsets = [("rotation",), ("rotation", "occlusion")]
    table, leads = diversity.transfer_table(fitted, sets, counts, subsets=subsets)
    assert set(leads) == {1, 2}
    for row in table.to_dict("records"):
        assert row["kind"] not in row["learnt"].split(", ")
        assert row["lead"] == pytest.approx(row["auditor"] - row["confidence"])
    for number, of_kinds in leads.items():
        by_kind = table[table.number == number].groupby("kind").lead.mean()
        assert {kind: lead.exact.mean() for kind, lead in of_kinds.items()} == pytest.approx(
            by_kind.to_dict()
        )
        assert diversity.mean_lead(of_kinds).exact.mean() == pytest.approx(by_kind.mean())
    # one row by hand
    met = diversity.read_kinds(fitted, sets["test"], seed=diversity.TEST_SEED)[0]["noise"]
    readings = diversity.read_kinds(fitted, sets["auditor"], seed=diversity.LEARN_SEED)[0]
    learnt = diversity.learnt_from(readings, ("rotation",))
    auditor = diversity.failure.fit(learnt.features(), learnt.failed, seed=0)
    row = table[(table.number == 1) & (table.kind == "noise")].iloc[0]
    expected = failure.auroc(auditor.score(met.features()), met.failed)
    assert row.auditor == pytest.approx(expected)
    scored = [diversity._scored(np.arange(500.0), met)]
    assert has_enough_failures(scored)


def lead_of(value):
    return Estimate(np.full(5, value), np.full((20, 5), value))


def test_what_more_kinds_change_is_told_without_each_kind():
    one = {"noise": lead_of(0.1), "rotation": lead_of(0.1), "contrast": lead_of(-0.4)}
    seven = {"noise": lead_of(0.2), "rotation": lead_of(0.2), "contrast": lead_of(-0.6)}
    table = diversity.more_kinds_table({1: one, 4: one, 7: seven}).set_index("without")
    assert table.value[""] == pytest.approx(0)  # contrast alone hides what the others gain
    assert table.value["contrast"] == pytest.approx(0.1) and table.lo["contrast"] > 0
    assert table.value["noise"] == pytest.approx(-0.05)
    assert len(table) == 4
