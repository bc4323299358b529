"""Quasi-independence against a Poisson regression, and confusions by simulation."""

import numpy as np
import pytest
import statsmodels.api as sm

from visionfail import metrics
from visionfail.studies.uneven import answers, confusions, groups

TABLE = np.array(
    [[0, 12, 3, 7], [9, 0, 14, 2], [1, 8, 0, 6], [5, 4, 11, 0]], dtype=float
)  # true class by answer


def fitted_by_regression(table):
    """Expected counts and Pearson's statistic of a log-linear model off the diagonal."""
    true, answered = np.nonzero(~np.eye(len(table), dtype=bool))
    design = np.hstack([np.eye(len(table))[true], np.eye(len(table))[answered][:, 1:]])
    model = sm.GLM(table[true, answered], design, family=sm.families.Poisson()).fit()
    expected = np.zeros_like(table)
    expected[true, answered] = model.fittedvalues
    return expected, model.pearson_chi2


def draw(labels, index, rates, *, wrong=0.15, shared=0.9, planted=None, seed=0):
    """Predictions (2, N): a group's images and seeds give its one wrong answer most of the time.

    A wrong answer is drawn by `rates` (K,), without the truth. Three fifths of the groups give
    what is `planted` for their class, {class: answer}.
    """
    generator = np.random.default_rng(seed)
    predicted = np.tile(labels, (2, 1))
    erring = generator.random(index.max() + 1) < 3 * wrong
    for group in np.flatnonzero(erring):
        members = np.flatnonzero(index == group)
        usual = {}
        for image in members:
            truth = int(labels[image])
            allowed = rates * (np.arange(len(rates)) != truth)
            allowed = allowed / allowed.sum()
            own = usual.setdefault(truth, generator.choice(len(rates), p=allowed))
            if planted and group % 5 < 3:
                own = planted.get(truth, own)
            for seed_number in np.flatnonzero(generator.random(2) < 0.5):
                copies = generator.random() < shared
                answer = own if copies else generator.choice(len(rates), p=allowed)
                predicted[seed_number, image] = answer
    return predicted


def signs(number=90, frames=6, num_classes=6, seed=0):
    """Labels and signs of `frames` images each."""
    index = np.repeat(np.arange(number), frames)
    label_of_sign = np.random.default_rng(seed).integers(num_classes, size=number)
    return label_of_sign[index], index


RATES = np.array([0.35, 0.2, 0.15, 0.1, 0.1, 0.1])
LOOK_ALIKE = {1: 5, 5: 1, 2: 3, 3: 2}


def structure_of(predicted, labels, index, *, seed=0, permutations=60):
    return confusions.confusion_structure(
        predicted,
        labels,
        index,
        num_classes=6,
        permutations=permutations,
        generator=np.random.default_rng(seed),
    )


def counts_for(index, seed=0, bootstraps=100):
    generator = np.random.default_rng(seed)
    return groups.group_counts(index, len(index), bootstraps=bootstraps, generator=generator)


def test_quasi_independence_is_a_poisson_regression_off_the_diagonal():
    expected, chi2 = fitted_by_regression(TABLE)
    found = confusions.quasi_independence(TABLE)
    assert found == pytest.approx(expected, abs=1e-4)
    assert (confusions.standardised(TABLE, found) ** 2).sum() == pytest.approx(chi2, rel=1e-4)


def test_margins_are_kept_and_the_diagonal_is_empty():
    stack = np.stack([TABLE, TABLE.T, 0 * TABLE])
    found = confusions.quasi_independence(stack)
    assert found.sum(axis=1) == pytest.approx(stack.sum(axis=1), abs=1e-5)
    assert found.sum(axis=2) == pytest.approx(stack.sum(axis=2), abs=1e-5)
    assert (np.diagonal(found, axis1=1, axis2=2) == 0).all()


def test_a_product_off_the_diagonal_is_fitted_exactly():
    table = np.outer([1, 2, 3, 4], [5, 1, 2, 2]) * (1 - np.eye(4))
    assert confusions.quasi_independence(table) == pytest.approx(table, abs=1e-4)
    assert confusions.misfit_shares(table[None, None]) == pytest.approx(0, abs=1e-5)


def test_a_class_that_is_never_wrong_is_expected_nowhere():
    table = TABLE.copy()
    table[1] = 0
    found = confusions.quasi_independence(table)
    assert (found[1] == 0).all()
    assert np.isfinite(confusions.standardised(table, found)).all()


def test_tables_are_those_of_the_confusion_matrix():
    labels, index = signs()
    predicted = draw(labels, index, RATES)
    weights = answers.weights_of(counts_for(index, bootstraps=2), len(labels))
    tables = confusions.confusion_tables(predicted, labels, weights, num_classes=6)
    for seed in range(2):
        matrix = metrics.confusion_matrix(predicted[seed], labels, num_classes=6)
        assert tables[0, seed] == pytest.approx(matrix - np.diag(np.diag(matrix)))
    drawn = np.repeat(np.arange(len(labels)), weights[1].astype(int))
    matrix = metrics.confusion_matrix(predicted[0, drawn], labels[drawn], num_classes=6)
    assert tables[1, 0] == pytest.approx(matrix - np.diag(np.diag(matrix)))


def p_values(index_of, planted, times):
    """P values where groups are known, ignored, or taken at their worst."""
    values = []
    for seed in range(times):
        labels, index = signs(seed=seed)
        predicted = draw(labels, index, RATES, planted=planted, seed=seed)
        grouping = index_of(predicted, labels, index)
        values.append(structure_of(predicted, labels, grouping, seed=seed).p)
    return np.array(values)


def known(predicted, labels, index):
    return index


def ignored(predicted, labels, index):
    return None


def worst_case(predicted, labels, index):
    return groups.worst_case_answers(predicted, labels, frames=6)


def same_rate_of_error(predicted, labels, index):
    return groups.worst_case_groups(predicted, labels, frames=6)


@pytest.mark.parametrize("index_of", [known, worst_case])
def test_confusions_without_structure_raise_few_alarms(index_of):
    p = p_values(index_of, None, 40)
    assert (p < 0.05).mean() <= 0.13
    assert p.mean() == pytest.approx(0.5, abs=0.2)


@pytest.mark.parametrize("index_of", [ignored, same_rate_of_error])
def test_answers_that_a_sign_shares_raise_alarms_where_it_is_cut(index_of):
    assert (p_values(index_of, None, 15) < 0.05).mean() > 0.7


@pytest.mark.parametrize("index_of", [known, worst_case])
def test_a_planted_confusion_is_found(index_of):
    assert (p_values(index_of, LOOK_ALIKE, 15) < 0.05).mean() > 0.7


def test_the_planted_pair_ranks_first_with_an_interval_above_chance():
    labels, index = signs(number=300)
    predicted = draw(labels, index, RATES, planted={1: 5})
    structure = structure_of(predicted, labels, index, permutations=100)
    table = confusions.pair_table(
        predicted, labels, counts_for(index), structure, classes=list("abcdef")
    )
    first = table.iloc[0]
    assert (first.true, first.answered) == ("b", "f")
    assert first.p < 0.05 and first.lo > 0
    assert (table.p.iloc[1:] > 0.05).all()
    assert first.excess == pytest.approx(first.share - first.expected)
    assert table.share.sum() == pytest.approx(1)
    assert table.wrong.sum() == structure.n == (predicted != labels).sum()
    assert structure.groups == len(np.unique(index[(predicted != labels).any(axis=0)]))


def test_pairs_have_p_values_that_know_how_many_pairs_there_are():
    alarms = 0
    for seed in range(40):
        labels, index = signs(seed=seed)
        predicted = draw(labels, index, RATES, seed=seed)
        alarms += structure_of(predicted, labels, index, seed=seed).pair_p().min() < 0.05
    assert alarms / 40 <= 0.13


def test_a_misfit_is_above_chance_only_where_there_is_structure():
    above = []
    for planted in (None, LOOK_ALIKE):
        for seed in range(15):
            labels, index = signs(number=200, seed=seed)
            predicted = draw(labels, index, RATES, planted=planted, seed=seed)
            structure = structure_of(predicted, labels, index, seed=seed, permutations=30)
            misfit = confusions.misfit_above_chance(predicted, labels, counts_for(index), structure)
            above.append(misfit.interval())
    without, structured = np.array(above).reshape(2, 15, 3)
    assert without[:, 0].mean() == pytest.approx(0, abs=0.03)
    assert (without[:, 1] > 0).mean() <= 0.14
    assert (structured[:, 1] > 0).mean() > 0.6


@pytest.mark.fault("too few data")
def test_answers_that_are_all_right_have_no_confusions():
    labels, index = signs()
    with pytest.raises(ValueError, match="all answers are right"):
        structure_of(labels, labels, index)


def test_answers_that_are_all_wrong_have_a_table():
    labels, index = signs()
    predicted = (labels + 1) % 6
    structure = structure_of(predicted, labels, index)
    table = confusions.pair_table(
        predicted, labels, counts_for(index), structure, classes=list("abcdef")
    )
    assert len(table) == 6
    assert structure.n == len(labels)


def test_a_seed_without_errors_is_left_out_of_the_shares():
    labels, index = signs()
    predicted = draw(labels, index, RATES)
    predicted[0] = labels
    structure = structure_of(predicted, labels, index)
    table = confusions.pair_table(
        predicted, labels, counts_for(index), structure, classes=list("abcdef")
    )
    assert table.share.sum() == pytest.approx(1)


@pytest.mark.fault("bad arguments")
def test_groups_of_another_length_are_refused():
    labels, index = signs()
    with pytest.raises(ValueError, match="groups have shape"):
        structure_of(draw(labels, index, RATES), labels, index[:-1])
