"""The log of decisions: what it keeps, and what it does not."""

import json

import pytest

from visionfail.risk import prediction_log
from visionfail.risk.predicting import Decision


def decision(word="safe", *, review=False, score=0.2, guaranteed=True):
    return Decision(
        file="/private/holiday.png",
        decision=word,
        review=review,
        probability=score,
        score=score,
        threshold=0.5,
        guaranteed=guaranteed,
        reason="it is a link" if review else "",
        model="abc",
    )


def test_a_line_has_neither_picture_nor_name(tmp_path):
    log = tmp_path / "logs" / "decisions.jsonl"
    prediction_log.log_decision(log, decision(), milliseconds=12.3456)
    (line,) = log.read_text(encoding="utf-8").splitlines()
    assert "holiday" not in line
    kept = json.loads(line)
    assert tuple(kept) == prediction_log.COLUMNS
    assert kept["guaranteed"] is True
    assert kept["milliseconds"] == 12.346 and kept["decision"] == "safe"


def test_a_full_file_is_set_aside_and_the_oldest_goes(tmp_path, monkeypatch):
    monkeypatch.setattr(prediction_log, "LARGEST", 400)  # two lines
    monkeypatch.setattr(prediction_log, "KEPT", 2)
    log = tmp_path / "decisions.jsonl"
    for k in range(20):
        prediction_log.log_decision(log, decision(score=k / 20), milliseconds=1)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "decisions.jsonl",
        "decisions.jsonl.1",
        "decisions.jsonl.2",
    ]
    scores = prediction_log.read_log(log).score.tolist()
    assert scores == sorted(scores) and scores[-1] == 0.95 and len(scores) < 20
    assert all(file.stat().st_size <= 400 for file in tmp_path.iterdir())


@pytest.mark.fault("damaged file: cut")
def test_a_cut_off_line_is_left_out(tmp_path):
    log = tmp_path / "decisions.jsonl"
    prediction_log.log_decision(log, decision(), milliseconds=1)
    with open(log, "a", encoding="utf-8") as handle:
        handle.write('{"time": "2026-')
    assert len(prediction_log.read_log(log)) == 1
    with pytest.raises(FileNotFoundError, match="predict --log"):
        prediction_log.read_log(tmp_path / "none.jsonl")


@pytest.mark.fault("damaged file: cut")
@pytest.mark.parametrize("content", ["", '{"time": "2026-'])
def test_a_log_without_a_whole_line_has_no_rows_and_all_columns(tmp_path, content):
    log = tmp_path / "decisions.jsonl"
    log.write_text(content, encoding="utf-8")
    found = prediction_log.read_log(log)
    summary = prediction_log.log_summary(found)
    assert found.empty and summary.empty
    prediction_log.log_decision(log, decision(), milliseconds=1)
    if content:
        prediction_log.log_decision(log, decision(), milliseconds=1)
    one = prediction_log.read_log(log)
    assert len(one) == 1 and list(one) == list(found)
    assert list(prediction_log.log_summary(one)) == list(summary)


def test_a_summary_counts_by_the_hour(tmp_path):
    log = tmp_path / "decisions.jsonl"
    for word, review in (("safe", False), ("unsafe", False), ("unsafe", True), ("safe", False)):
        prediction_log.log_decision(log, decision(word, review=review), milliseconds=10)
    table = prediction_log.log_summary(prediction_log.read_log(log), every="1D")
    assert table.decided.sum() == 4
    weights = table.decided / 4
    assert (table.flagged * weights).sum() == pytest.approx(0.5)
    assert (table.reviewed * weights).sum() == pytest.approx(0.25)
    assert (table.p95_ms == 10).all()


def test_decisions_without_a_guarantee_are_counted(tmp_path):
    log = tmp_path / "decisions.jsonl"
    for guaranteed in (True, True, False):
        prediction_log.log_decision(log, decision(guaranteed=guaranteed), milliseconds=1)
    line = json.loads(log.read_text(encoding="utf-8").splitlines()[0])
    del line["guaranteed"]  # a line from before it was kept
    with open(log, "a", encoding="utf-8") as handle:
        handle.write(json.dumps(line) + "\n")
    found = prediction_log.read_log(log)
    assert found.guaranteed.tolist() == [True, True, False, False]
    assert prediction_log.log_summary(found, every="3650D").no_guarantee.tolist() == [0.5]
