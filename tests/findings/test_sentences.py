"""The sentences say what the tables hold."""

import pandas as pd

from visionfail import findings, paths


def test_sentences_with_numbers_from_the_tables():
    sentences = findings.main_sentences(paths.RESULTS)
    assert len(sentences) == 8
    for sentence in sentences:
        assert any(character.isdigit() for character in sentence)
    table = pd.read_csv(paths.RESULTS / "mnist-verdicts.csv")
    leads = table.set_index(["slice", "detector", "baseline"]).value
    for name in ("shifted", "shifted without rotation"):
        assert f"{leads[name, 'auditor', '1 - confidence']:+.3f}" in findings.shift_sentence(
            paths.RESULTS
        )


def test_the_attack_sentence_tells_each_set_and_the_defence():
    sentence = findings.attack_sentence(paths.RESULTS)
    table = pd.read_csv(paths.RESULTS / "attacks.csv")
    row = table[(table.metric == "accuracy, PGD at 8/255") & (table.condition == "defended")].iloc[
        0
    ]
    assert f"{row.value:.1%} (95% {row.lo:.1%} to {row.hi:.1%})" in sentence
    for name in ("SVHN", "GTSRB", "CIFAR-10"):
        assert f"on {name} (" in sentence
