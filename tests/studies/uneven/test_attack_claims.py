"""Claims about how little it takes: their words, their values, and when a verdict is given."""

import re
from dataclasses import replace

import numpy as np
import pytest
from makers.attacked import falling_at, plain_wilson, random_attacked
from pytest import approx
from scipy import stats

from visionfail import paths
from visionfail.claims import JUDGED, judged_twice
from visionfail.studies.uneven import attack_claims, confusions
from visionfail.studies.uneven.attack_claims import ATTACK_CLAIMS, Attacked
from visionfail.studies.uneven.claims import NOT_TESTABLE, Value
from visionfail.studies.uneven.link import Link

CLEAN, TWO, EIGHT = 0, 3, 5  # places on the ladder


@pytest.fixture(scope="module")
def of_set():
    """What might have been measured of a set: PGD on the first 80 of 200 images."""
    fgsm = random_attacked(seeds=2, n=200, seed=0, groups=np.arange(200) // 2, attack="fgsm")
    pgd = random_attacked(seeds=2, n=80, seed=1, groups=np.arange(80) // 2)
    turned = fgsm.turned(8.0)
    structure = confusions.confusion_structure(
        turned.predicted,
        turned.labels,
        turned.groups,
        num_classes=10,
        permutations=20,
        generator=np.random.default_rng(0),
    )
    return Attacked(
        fgsm=fgsm,
        pgd=pgd,
        fgsm_counts=fgsm.clean.counts(bootstraps=8),
        pgd_counts=pgd.clean.counts(bootstraps=8),
        similarity=np.random.default_rng(2).uniform(0.8, 1, (2, 80)),
        with_edges=np.random.default_rng(3).uniform(0.7, 1, (2, 80)),
        structure=structure,
        link=Link(0.4, 0.1, 0.6, 9),
    )


@pytest.mark.parametrize("claim", ATTACK_CLAIMS, ids=lambda claim: claim.key)
def test_every_claim_stands_in_the_notes(claim):
    text = (paths.ROOT / "notes" / "claims.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith(f"| {claim.key} |")]
    assert len(lines) == 1
    words, _, region = [cell.strip() for cell in lines[0].strip("|").split("|")][1:]
    assert claim.words.removeprefix("attacked, ") == words.removeprefix("attacked, ")
    kind, bound = re.fullmatch(r"(at least|above|at most) ([\d.]+)", region).groups()
    low, high = (-np.inf, float(bound)) if kind == "at most" else (float(bound), np.inf)
    assert (claim.low, claim.high) == (low, high)


def test_the_notes_have_no_claim_about_attacks_that_is_not_judged():
    text = (paths.ROOT / "notes" / "claims.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (F\w+) \|", text, re.M) == [claim.key for claim in ATTACK_CLAIMS]


def ratio_of(weights, top, bottom):
    """The weighted sum of `top` (M,) over that of `bottom` (M,), image by image."""
    above = 0.0
    below = 0.0
    for weight, upper, lower in zip(weights, top, bottom, strict=True):
        above += float(weight) * float(upper)
        below += float(weight) * float(lower)
    return above / below


def right_of(attacked, seed):
    """Whether a seed's answers are right, bool (7, M)."""
    return attacked.predicted[seed] == attacked.clean.labels


def confidence_of(attacked, seed, place):
    """The confidence of a seed's answers at one place of the ladder, (M,)."""
    return 1 / (1 + np.exp(-attacked.log_odds[seed, place].astype(np.float64)))


def plain_f1a(attacked, seed, weights):
    right = right_of(attacked, seed)
    return ratio_of(weights, right[CLEAN] & right[EIGHT], right[CLEAN])


def plain_f1b(attacked, seed, weights):
    right = right_of(attacked, seed)
    return ratio_of(weights, right[CLEAN] & right[EIGHT], np.ones(len(weights)))


def plain_f2b(attacked, seed, weights):
    right = right_of(attacked, seed)
    return ratio_of(weights, right[CLEAN] & ~right[TWO], right[CLEAN])


def plain_f3a(attacked, seed, weights):
    wrong = ~right_of(attacked, seed)
    after = confidence_of(attacked, seed, EIGHT) * wrong[EIGHT]
    before = confidence_of(attacked, seed, CLEAN) * wrong[CLEAN]
    return ratio_of(weights, after, wrong[EIGHT]) - ratio_of(weights, before, wrong[CLEAN])


def plain_f3b(attacked, seed, weights):
    wrong = ~right_of(attacked, seed)[EIGHT]
    sure = confidence_of(attacked, seed, EIGHT) > 0.9
    return ratio_of(weights, wrong & sure, wrong)


PLAIN = {
    "F1a": (attack_claims.share_left, plain_f1a),
    "F1b": (lambda attacked, counts: attack_claims.accuracy_at(attacked, 8.0, counts), plain_f1b),
    "F2b": (lambda attacked, counts: attack_claims.share_turned(attacked, 2.0, counts), plain_f2b),
    "F3a": (attack_claims.confidence_gained, plain_f3a),
    "F3b": (attack_claims.sure_when_wrong, plain_f3b),
}


@pytest.mark.parametrize("key", PLAIN)
def test_a_statistic_is_the_plain_one_in_every_seed_and_resample(key, of_set):
    measure, plain = PLAIN[key]
    attacked, counts = of_set.pgd, of_set.pgd_counts
    estimate = measure(attacked, counts)
    for seed in range(2):
        assert estimate.exact[seed] == approx(plain(attacked, seed, np.ones(80)), abs=1e-5)
        for row, weights in enumerate(counts):
            assert estimate.samples[row, seed] == approx(plain(attacked, seed, weights), abs=1e-5)


def test_every_claim_has_the_value_of_its_own_attack(of_set):
    values = attack_claims.attack_claim_values(of_set)
    judged = [key for key in values if key != attack_claims.WITH_EDGES]
    assert judged == [claim.key for claim in ATTACK_CLAIMS]
    assert values[attack_claims.WITH_EDGES].value == approx(of_set.with_edges.mean(), abs=1e-6)
    for key, (_, plain) in PLAIN.items():
        attacked = of_set.fgsm if key == "F1a" else of_set.pgd
        n = len(attacked.clean.labels)
        expected = np.mean([plain(attacked, seed, np.ones(n)) for seed in range(2)])
        assert values[key].value == approx(expected, abs=1e-5)
        assert values[key].lo <= values[key].value <= values[key].hi
        assert values[key].n == n // 2  # groups, not images
    assert values["F2a"].value == approx(of_set.similarity.mean(), abs=1e-6)
    assert values["F2a"].n == 40 and values["F4a"].n == 100
    assert values["F4a"].p == of_set.structure.p
    assert values["F5"] == Value(0.4, 0.1, 0.6, 9)


@pytest.mark.parametrize("key", ["F1b", "F2b", "F3b"])
def test_where_all_or_nothing_is_turned_there_is_an_interval_all_the_same(key, of_set):
    labels = of_set.pgd.clean.labels
    log_odds = np.full((2, 7, 80), 6.0, dtype=np.float16)  # sure of everything
    first_wrong = np.where(np.arange(80) < 8, 0, np.ones((2, 80)))
    pgd = falling_at(first_wrong, labels, log_odds=log_odds, groups=np.arange(80) // 2)
    value = attack_claims.attack_claim_values(replace(of_set, pgd=pgd))[key]
    share = 0 if key == "F1b" else 1
    assert value.value == share
    assert [value.lo, value.hi] == approx(plain_wilson(share, 40), abs=1e-9)
    assert value.hi - value.lo > 0.05


def plain_table(predicted, labels, num_classes):
    """Wrong answers by true and predicted class, (K, K), counted one by one."""
    table = np.zeros((num_classes, num_classes))
    for answer, label in zip(predicted, labels, strict=True):
        table[label, answer] += answer != label
    return table


def plain_fit(table):
    """The table of quasi-independence with the margins of `table`, (K, K)."""
    rows = table.sum(axis=1)
    columns = table.sum(axis=0)
    fitted = 1 - np.eye(len(table))
    for _ in range(2000):
        for k in range(len(table)):
            fitted[k] *= rows[k] / max(fitted[k].sum(), 1e-300)
        for k in range(len(table)):
            fitted[:, k] *= columns[k] / max(fitted[:, k].sum(), 1e-300)
    return fitted


def plain_same(clean, turned, num_classes=10):
    """The correlation over pairs of two vectors of answers' residuals."""
    residuals = []
    off_diagonal = ~np.eye(num_classes, dtype=bool)
    for predicted in (clean.predicted[0], turned.predicted[0]):
        table = plain_table(predicted, clean.labels, num_classes)
        fitted = plain_fit(table)
        root = np.sqrt(np.maximum(fitted, 1e-300))
        residuals.append(np.where(fitted > 0, (table - fitted) / root, 0)[off_diagonal])
    return stats.spearmanr(*residuals).statistic


def test_confusions_are_those_of_the_images_that_the_attack_turned(of_set):
    values = attack_claims.attack_claim_values(of_set)
    turned = of_set.fgsm.turned(8.0)
    clean = of_set.fgsm.clean
    same = []
    misfit = []
    for seed in range(2):
        of_clean = replace(clean, predicted=clean.predicted[[seed]])
        of_turned = replace(turned, predicted=turned.predicted[[seed]])
        same.append(plain_same(of_clean, of_turned))
        table = plain_table(of_turned.predicted[0], turned.labels, 10)
        away = np.abs(table - plain_fit(table)).sum() / table.sum() / 2
        misfit.append(away - of_set.structure.misfit_at_chance[seed])
    assert values["F4b"].value == approx(np.mean(same), abs=1e-3)
    assert values["F4a"].value == approx(np.mean(misfit), abs=1e-4)


def confused(habits, labels, errs, rng):
    """Answers to images of which `errs` (N,) are wrong, a class drawn from its row of habits."""
    reached = rng.random(len(labels))[:, None] < habits.cumsum(axis=1)[labels]
    return np.where(errs, reached.argmax(axis=1), labels)


def habits_of(rng, num_classes=8):
    """A random row of chances per class, (K, K), zero on the diagonal."""
    chances = rng.lognormal(0, 1.5, (num_classes, num_classes))
    np.fill_diagonal(chances, 0)
    return chances / chances.sum(axis=1, keepdims=True)


def world(*, repeats, seed=0, n=12_000):
    """An attack on eight classes: a fifth is wrong when clean, of the rest 60% are turned, by the
    habits of the clean errors where it repeats them, else by habits of its own.
    """
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 8, n)
    errs = rng.random(n) < 0.2
    habits = habits_of(rng)
    clean = confused(habits, labels, errs, rng)
    falls = ~errs & (rng.random(n) < 0.6)
    turned = confused(habits if repeats else habits_of(rng), labels, falls, rng)
    attacked = falling_at(np.where(errs, 0, 7)[None], labels, num_classes=8, classes="abcdefgh")
    predicted = attacked.predicted.copy()
    predicted[0, :] = np.where(errs, clean, turned)
    predicted[0, 0] = clean
    clean_answers = replace(attacked.clean, predicted=clean[None])
    return replace(attacked, predicted=predicted, clean=clean_answers)


def same(attacked, answers):
    counts = np.ones((2, len(attacked.clean.labels)), dtype=np.float32)
    return attack_claims.same_confusions(attacked.clean, answers, counts)


def test_clean_confusions_that_the_attack_repeats_are_found():
    attacked = world(repeats=True)
    estimate = same(attacked, attacked.turned(8.0))
    assert estimate.exact[0] > 0.9
    assert estimate.samples[:, 0] == approx([estimate.exact[0]] * 2)


def test_other_confusions_are_not_the_same_though_clean_errors_stay():
    turned = []
    all_wrong = []
    for seed in range(10):
        attacked = world(repeats=False, seed=seed)
        turned.append(same(attacked, attacked.turned(8.0)).exact[0])
        all_wrong.append(same(attacked, attacked.at(8.0)).exact[0])
    # of one world's 56 pairs the correlation scatters by 1 / sqrt(55)
    assert abs(np.mean(turned)) < 3 / np.sqrt(55 * 10)
    assert np.mean(all_wrong) > 0.15  # what the clean errors, which stay, would make of it


def test_classes_that_neither_table_has_do_not_count():
    attacked = world(repeats=True, n=2000)
    value = same(attacked, attacked.turned(8.0)).exact[0]
    made = {**attacked.clean.made, "classes": [*"abcdefghxyz"]}
    wider = replace(attacked, clean=replace(attacked.clean, made=made))
    assert same(wider, wider.turned(8.0)).exact[0] == approx(value)


def test_a_resample_without_errors_has_no_correlation():
    attacked = world(repeats=True, n=300)
    right = attacked.clean.correct[0].astype(np.float32)
    counts = np.stack([np.ones(300, np.float32), right])  # the second draws no clean error
    turned = attacked.turned(8.0)
    estimate = attack_claims.same_confusions(attacked.clean, turned, counts)
    assert np.isfinite(estimate.samples[0, 0]) and np.isnan(estimate.samples[1, 0])


def values_that_hold(**changes):
    """A value for each claim well within its region."""
    values = {}
    for claim in ATTACK_CLAIMS:
        middle = claim.low + 0.02 if np.isfinite(claim.low) else claim.high - 0.02
        values[claim.key] = Value(middle, middle - 0.01, middle + 0.01, 50)
    return {**values, **changes}


def judge(values, *, healthy=True, dataset="svhn10k"):
    attacked = falling_at([[3, 4]], [0, 1], dataset=dataset)
    table = attack_claims.judge_attacks(values, attacked, healthy=healthy)
    assert table.columns.tolist() == list(JUDGED)
    return table.set_index(table.claim.str.split().str[0])


def test_claims_hold_within_their_regions_and_fail_outside():
    assert set(judge(values_that_hold()).verdict) == {"holds"}
    outside = {}
    for claim in ATTACK_CLAIMS:
        far = claim.low - 0.02 if np.isfinite(claim.low) else claim.high + 0.02
        outside[claim.key] = Value(far, far - 0.01, far + 0.01, 50)
    assert set(judge(outside).verdict) == {"fails"}
    astride = {claim.key: Value(0.3, -1, 2, 50) for claim in ATTACK_CLAIMS}
    assert set(judge(astride).verdict) == {"undecided"}


def test_an_attack_with_a_red_light_decides_nothing():
    table = judge(values_that_hold(), healthy=False)
    assert set(table.verdict) == {"undecided"}
    failing = {key: Value(0.0, 0.0, 0.0, 50) for key in ("F2a", "F3b")}
    assert set(judge(values_that_hold(**failing), healthy=False).verdict) == {"undecided"}
    assert table.value["F1a"] == values_that_hold()["F1a"].value  # it is told all the same


def test_what_cannot_be_tested_is_no_more_so_with_a_red_light(of_set):
    values = attack_claims.attack_claim_values(replace(of_set, link=None))
    assert "F5" not in values
    for healthy in (True, False):
        table = judge(values, healthy=healthy)
        assert table.verdict["F5"] == NOT_TESTABLE
        assert np.isnan(table.value["F5"])
        assert NOT_TESTABLE not in set(table.verdict.drop("F5"))


@pytest.mark.parametrize(
    ("p", "verdict"), [(0.001, "holds"), (0.05, "undecided"), (0.4, "undecided")]
)
def test_structure_that_chance_makes_too_is_undecided(p, verdict):
    values = values_that_hold(F4a=Value(0.2, 0.1, 0.3, 50, p=p))
    assert judge(values).verdict["F4a"] == verdict


def test_rows_say_of_which_set_and_seeds_they_are():
    table = judge(values_that_hold(), dataset="gtsrb")
    assert set(table.status.drop("F4a")) == {"judged twice, subset"}
    assert table.status["F4a"] == "exploratory, subset"
    assert table.claim["F1a"] == "F1a GTSRB" and set(table.seed) == {"0 to 0"}
    assert set(judge(values_that_hold(), dataset="cifar10").status) == {"exploratory"}


@pytest.mark.parametrize(("with_edges", "verdict"), [(0.95, "holds"), (0.85, "undecided")])
def test_alike_only_where_edges_do_not_matter(with_edges, verdict, of_set):
    values = {
        "F2a": Value(0.95, 0.94, 0.96, 50),
        attack_claims.WITH_EDGES: Value(with_edges, with_edges - 0.01, with_edges + 0.01, 50),
    }
    table = attack_claims.judge_attacks(values, of_set.pgd, healthy=True)
    assert table.verdict[table.claim.str.startswith("F2a")].tolist() == [verdict]


def test_what_was_judged_on_fewer_networks_first_counts_as_judged_twice():
    table = judge(values_that_hold(), dataset="gtsrb")
    twice = judged_twice(table.status)
    assert not twice["F4a"] and twice.drop("F4a").all()
    assert not judged_twice(judge(values_that_hold(), dataset="cifar10").status).any()
