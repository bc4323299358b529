"""The sentences say what the tables hold."""

import pandas as pd

from visionfail import findings, paths


def test_sentences_with_numbers_from_the_tables():
    sentences = findings.main_sentences(paths.RESULTS)
    assert len(sentences) == 10
    for sentence in sentences:
        assert any(character.isdigit() for character in sentence)


def test_the_attack_sentence_tells_each_set_and_the_defence():
    sentence = findings.attack_sentence(paths.RESULTS)
    table = pd.read_csv(paths.RESULTS / "attacks.csv")
    row = table[(table.metric == "accuracy, PGD at 8/255") & (table.condition == "defended")].iloc[
        0
    ]
    assert f"{row.value:.1%} (95% {row.lo:.1%} to {row.hi:.1%}, n = 1,000)" in sentence
    for name in ("SVHN", "GTSRB", "CIFAR-10"):
        assert f"on {name} (" in sentence


def test_the_budget_sentence_tells_the_price_and_where_it_breaks():
    sentence = findings.budget_sentence(paths.RESULTS)
    table = pd.read_csv(paths.RESULTS / "mnist-budgets.csv")
    pooled = table[table.metric == "pooled risk, budget 0.02: auditor"].set_index("condition")
    worst = pooled.loc[pooled.value.idxmax()]
    assert f"Under {worst.name}" in sentence
    assert f"{worst.value:.0%} is wrong (95% {worst.lo:.0%} to {worst.hi:.0%})" in sentence
    coverage = table[table.metric == "coverage, budget 0.02: auditor"]
    answered = coverage[coverage.condition == "mix"].value.mean()
    assert f"answers {answered:.0%} of 10,000 test digits" in sentence
    occlusion, rotation = pooled.loc["occlusion"], pooled.loc["rotation"]
    assert f"broken under occlusion ({occlusion.value:.1%} wrong" in sentence
    assert rotation.lo < 0.02 < rotation.hi
    assert f"undecided under rotation ({rotation.value:.1%} wrong" in sentence
    assert (pooled.hi[["noise", "translation"]] <= 0.02).all()
    assert "kept under translation and noise" in sentence or "kept under noise and" in sentence
    under = coverage[coverage.condition == worst.name]
    assert f"{round((under.value * under.n).max()):,} of 10,000" in sentence


def test_the_lowest_class_has_its_own_n():
    sentence = findings.uneven_sentence(paths.RESULTS)
    table = pd.read_csv(paths.RESULTS / "uneven.csv")
    of_cats = table[(table.dataset == "cifar10") & (table.condition == "cat")]
    row = of_cats[(of_cats.metric == "accuracy") & (of_cats.split == "test")].iloc[0]
    assert f"cat on CIFAR-10 ({row.value:.0%} right, 95% {row.lo:.0%} to {row.hi:.0%}" in sentence
    assert f"n = {row.n:,} images" in sentence


def test_the_auditor_on_cifar10_has_a_sentence_of_its_own():
    sentence = findings.cifar_auditor_sentence(paths.RESULTS)
    table = pd.read_csv(paths.RESULTS / "auditor-cifar10-verdicts.csv")
    row = table[table.prespecified].iloc[0]
    assert f"{row.value:+.3f} (95% {row.lo:+.3f} to {row.hi:+.3f}: ahead)" in sentence
    same = (table.slice == row.slice) & table.baseline.str.startswith("ensemble")
    beside = table[same & (table.detector == "auditor")].iloc[0]
    assert f"undecided: {beside.value:+.3f} ({beside.lo:+.3f} to {beside.hi:+.3f}," in sentence
    rows = pd.read_csv(paths.RESULTS / "auditor-cifar10.csv").set_index("condition").value
    without = rows["not learnt from, without frost (learnt: noise and blur)"]
    assert f"trained on noise and blur ({without:+.3f} without our frost)" in sentence
    assert "trained on weather and digital (our frost among them)" in sentence


def test_silent_failure_is_told_of_every_network():
    sentence = findings.confidence_sentence(paths.RESULTS)
    falls = []
    errors = []
    for path in sorted(paths.RESULTS.glob("cifar10c-*.csv")):
        table = pd.read_csv(path)
        table = table[table.severity.isin([0, 5]) & (table.condition != "frost")]
        means = table.groupby(["metric", "severity"]).value.mean()
        falls.append(100 * (means["confidence", 0] - means["confidence", 5]))
        errors.append(means["ece", 5])
    assert (
        f"confidence by only {min(falls):.0f}–{max(falls):.0f} (ranges over {len(falls)} net"
        in sentence
    )
    assert f"to {min(errors):.2f}–{max(errors):.2f};" in sentence
