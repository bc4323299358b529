"""What an evaluation reports beside its rates, and the figures that it draws."""

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn import metrics as sklearn_metrics

from visionfail.risk import report, report_figures
from visionfail.risk.calibration import Calibration
from visionfail.risk.config import RiskConfig
from visionfail.risk.decisions import Scored
from visionfail.risk.thresholds import Threshold

PLAIN = Calibration(1.0, 0.0)
HALF = Threshold(0.5, "cost", False, "no guarantee", 10, 59)


def scored(n=60, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.tile([0, 1], n // 2)
    score = np.where(labels == 1, rng.beta(3, 2, n), rng.beta(2, 3, n))
    return Scored(score, labels, np.arange(n))


def details(these, kinds=None, prevalence=0.02):
    return report.details_of(
        these,
        0.5,
        RiskConfig(prevalence=prevalence),
        calibration=PLAIN,
        kinds=kinds or [""] * len(these.labels),
        brightness=np.linspace(0, 1, len(these.labels)),
    )


def test_the_confusion_matrix_is_scikit_learns():
    these = scored()
    found = report.record_of(details(these))["confusion"]
    (passed, flagged), (missed, hit) = sklearn_metrics.confusion_matrix(
        these.labels, these.score >= 0.5
    )
    assert found["safe"] == {"passed": passed, "flagged": flagged}
    assert found["unsafe"] == {"passed": missed, "flagged": hit}
    assert missed and flagged


def test_costs_at_stated_prevalences_are_those_by_hand():
    these = scored()
    table = details(these).at_work
    assert sorted(table.prevalence.unique()) == [0.001, 0.01, 0.02, 0.1]
    missed = (these.score[these.labels == 1] < 0.5).mean()
    alarmed = (these.score[these.labels == 0] >= 0.5).mean()
    for share, part in table.groupby("prevalence"):
        found = part.set_index("quantity")
        cost = 10 * share * missed + (1 - share) * alarmed
        passed = share * missed + (1 - share) * (1 - alarmed)
        assert found.value["cost"] == pytest.approx(cost)
        assert found.value["coverage"] == pytest.approx(passed)
        assert found.value["residual risk"] == pytest.approx(share * missed / passed)
        assert (found.lo < found.value).all() and (found.value < found.hi).all()


def test_the_band_ends_at_a_probability_of_nine_tenths():
    calibration = Calibration(0.5, -0.3)
    found = report.details_of(
        scored(),
        0.5,
        RiskConfig(),
        calibration=calibration,
        kinds=[""] * 60,
        brightness=np.arange(60.0),
    )
    assert calibration.probability(found.high) == pytest.approx(0.9)
    assert found.band.part.tolist() == ["passed", "to people", "refused"]


def test_a_threshold_above_the_band_leaves_none():
    certain = Calibration(1.0, 9.0)  # half is a probability of 0.9999 already
    given = {"kinds": [""] * 60, "brightness": np.arange(60.0)}
    these = report.details_of(scored(), 0.5, RiskConfig(), calibration=certain, **given)
    assert these.high == these.low == 0.5
    assert any(line.startswith("no review band") for line in report.lines_of(these))
    assert these.band.set_index("part").share["to people"] == 0


def test_two_pictures_and_groups_of_both_classes_have_details_too():
    for groups in ([0, 1], [0, 0]):
        these = Scored(np.array([0.2, 0.8]), np.array([0, 1]), np.array(groups))
        table = details(these, ["a", "a"]).subgroups["kind"]
        assert sorted(table.kind) == ["a, safe", "a, unsafe"] and table.p_holm.isna().all()


def test_subgroups_come_with_kinds_alone():
    these = scored()
    assert set(details(these).subgroups) == {"brightness"}
    kinds = ["a", "a", "b", "b", ""] * 12
    table = details(these, kinds).subgroups["kind"].set_index("kind")
    chosen = [k for k in range(60) if kinds[k] == "b" and these.labels[k]]
    missed = (these.score[chosen] < 0.5).mean()
    assert table.value["b, unsafe"] == pytest.approx(missed) and missed > 0
    assert table.n["no kind, safe"] == 6 and table.n.sum() == 60


def test_a_group_of_several_kinds_is_named_so():
    groups = np.array([0, 0, 0, 1, 1, 2])
    labels = np.array([0, 0, 1, 1, 1, 0])
    these = Scored(np.full(6, 0.5), labels, groups)
    found = report.kinds_of_groups(these, ["x", "z", "x", "y", "y", "z"])
    assert found[:3] == ["several kinds, safe", "several kinds, safe", "x, unsafe"]
    assert found[3:] == ["y, unsafe", "y, unsafe", "z, safe"]


def test_all_lines_name_their_tables():
    text = "\n".join(report.lines_of(details(scored(), ["a"] * 60)))
    for words in ("0.1%", "10%", "to people", "errors by kind", "times 1, plus 0"):
        assert words in text
    assert "nan" not in text


def draw(folder, these, images=None):
    if images is None:
        images = torch.zeros(len(these.labels), 3, 16, 16, dtype=torch.uint8)
    return report_figures.draw_figures(
        folder, these, images, threshold=HALF, calibration=PLAIN, prevalence=0.01
    )


def test_every_figure_is_a_picture(tmp_path):
    assert draw(tmp_path, scored()) == {}
    for name in report_figures.FIGURES:
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert min(picture.size) > 200


def test_without_errors_there_is_no_gallery_and_the_rest_is_drawn(tmp_path):
    draw(tmp_path, scored())
    right = Scored(np.array([0.1, 0.9]), np.array([0, 1]), np.array([0, 1]))
    failed = draw(tmp_path, right)
    assert set(failed) == {"misses", "false_alarms"} and "there are no misses" in failed["misses"]
    kept = {file.stem for file in tmp_path.iterdir()}
    assert kept == {"roc", "precision", "reliability"}  # galleries of before are gone


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "report").write_text("a file", encoding="utf-8")
    failed = draw(tmp_path / "report", scored())
    assert set(failed) == set(report_figures.FIGURES) and all(failed.values())


def test_a_gallery_has_one_picture_a_group(tmp_path, monkeypatch):
    labels = np.array([1, 1, 1, 0])
    these = Scored(np.array([0.2, 0.1, 0.3, 0.2]), labels, np.array([5, 5, 6, 7]))
    images = torch.arange(4, dtype=torch.uint8).view(4, 1, 1, 1).expand(4, 3, 8, 8)
    shown = []

    def watched(pictures, **words):
        shown.append((pictures[:, 0, 0, 0].tolist(), words["captions"]))
        raise ValueError("watched")

    monkeypatch.setattr(report_figures.figures, "image_grid", watched)
    draw(tmp_path, these, images)
    assert shown == [([1, 2], ["score 0.100", "score 0.300"])]
