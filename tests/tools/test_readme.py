import re
import sys

import pandas as pd
from makers import STATS, squares

from visionfail import claims, data, paths
from visionfail.models import networks

sys.path.insert(0, str(paths.ROOT / "tools"))
import readme

TEXT = (paths.ROOT / "README.md").read_text(encoding="utf-8")


def snippets(call):
    """The README's Python blocks that make this call."""
    return [block for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL) if call in block]


def test_results_table_is_what_the_command_writes():
    assert readme.written(TEXT) == TEXT, "stale: make readme"


def test_the_note_on_study_a_follows_the_networks_that_were_judged():
    table = claims.load_claims(paths.RESULTS / "claims.csv", where="notebook 04")
    of_one = table[table.claim != "8"]
    further = of_one[(of_one.model == "densenet121") & (of_one.seed == "0")].assign(seed="1")
    scope = "mean accuracy over 14, minus ResNet-18's (2 and 3 seeds)"
    several = table[table.claim == "8"].assign(seed="0, 1", statistic=scope, status="exploratory")
    note = readme.degradation_note(pd.concat([of_one, further, several]))
    assert "DenseNet-121, seed 0, DenseNet-121, seed 1)" in note  # once each, claim 8's not at all
    assert "1, 2, 3, 4a, 4b, 4c, 8, whose rules" in note
    assert scope in note
    for row in several.itertuples():
        assert f"n = {row.n:,}" in note


def test_claims_that_were_judged_twice_say_so():
    table = claims.load_claims(paths.RESULTS / "claims.csv", where="notebook 09")
    twice = claims.judged_twice(table.status).sum()
    assert twice and f"{twice} of the {len(table)} were judged twice" in readme.knowing()


def test_every_linked_file_is_there():
    links = re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", TEXT)
    local = [a or b for a, b in links if not (a or b).startswith("http")]
    assert local and [link for link in local if not (paths.ROOT / link).exists()] == []


def test_the_auditor_in_five_lines_runs(capsys):
    (snippet,) = snippets("failure.fit")
    seen, new = squares(60, seed=0), squares(40, seed=1)
    names = {
        "model": networks.build("resnet18", num_classes=10, width=8, **STATS),
        "images": seen.images,
    }
    names |= {"labels": seen.labels, "new_images": new.images, "new_labels": new.labels}
    exec(snippet, names)
    assert len(names["score"]) == 40 and all(
        0 <= float(word) <= 1 for word in capsys.readouterr().out.split()
    )


def test_your_own_model_in_five_lines_runs(tmp_path, monkeypatch, tiny_model, capsys):
    (snippet,) = snippets("evaluation.benchmark")
    monkeypatch.setattr(data, "load", lambda *words, download: squares(6, seed=0))
    monkeypatch.chdir(tmp_path)
    exec(snippet, {"model": tiny_model})
    assert "mean of 15" in capsys.readouterr().out and (tmp_path / "runs/mine/curves.png").exists()
