"""What a power cut, a full disk or a hand leaves in a file is named, or computed again."""

import dataclasses
import json
import os
import shutil
import threading
import time

import numpy as np
import pandas as pd
import pytest
import torch
from makers import STATS, random_activations, random_outcomes, save_rows, squares

from visionfail import claims, evaluation, failure, files, findings, models, paths, results
from visionfail.evaluation import sweep, unfinished
from visionfail.models import rounds, states, training, transfer
from visionfail.risk import features, predicting, prediction_log
from visionfail.risk.config import RiskConfig
from visionfail.risk.saved import Classifier
from visionfail.studies import stored
from visionfail.studies.auditing import classifier
from visionfail.studies.transfer import reference
from visionfail.studies.uneven import defended

CONDITIONS = [("clean", 0), ("contrast", 5)]
CONFIG = models.TrainConfig(epochs=1, batch_size=25)
CARD = {"dataset": "x", "arch": "resnet18", "width": 8, "classes": list("abcdefghij"), **STATS}


def empty(path):
    path.write_bytes(b"")


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_at_the_end(path):
    path.write_bytes(path.read_bytes()[:-3])


def flipped(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


def another_kind(path):
    path.write_bytes(b"\xff\xfe not at all, \x00 [1, 2, 3]\n")


def zeros(path):
    path.write_bytes(bytes(path.stat().st_size))  # what some file systems leave after a cut


def folder(path):
    path.unlink()
    path.mkdir()


DAMAGES = {
    empty: "empty",
    cut: "cut",
    cut_at_the_end: "cut",
    flipped: "flipped bits",
    another_kind: "of another kind",
    zeros: "zeros",
    folder: "a folder in its place",
}
DAMAGED = [
    pytest.param(damage, id=damage.__name__, marks=pytest.mark.fault(f"damaged file: {kind}"))
    for damage, kind in DAMAGES.items()
]


@pytest.fixture(params=DAMAGED)
def damage(request):
    return request.param


@pytest.fixture
def tiny_run(tmp_path, tiny_model):
    """A state of training, and how to go on with it."""
    path = tmp_path / "one.pt"

    def go_on():
        return training.fit(tiny_model, *SETS, config=CONFIG, state=path, device="cpu")

    go_on()
    return path, go_on


SETS = (squares(50, seed=0), squares(20, seed=1))


def named(path, *, words="remove|restore|again"):
    """The error that a damaged file is refused with: its name, and what to do, in one sentence."""
    return pytest.raises(ValueError, match=rf"(?s)^(?!.*\n).*{path.name}.*({words})")


def test_a_state_of_training(tiny_run, damage):
    path, go_on = tiny_run
    damage(path)
    with named(path, words="remove it to start anew"):
        go_on()


def with_field(state, field, value):
    return {**state, field: value}


@pytest.mark.fault("damaged file: fields of another kind")
@pytest.mark.parametrize(
    "change",
    [
        lambda state: [1, 2],
        lambda state: {},
        lambda state: with_field(state, "identity", [1]),
        lambda state: with_field(state, "model", {}),
        lambda state: with_field(state, "average", 3),
        lambda state: with_field(state, "optimizer", {}),
        lambda state: with_field(state, "generator", torch.zeros(3)),
        lambda state: with_field(state, "history", 7),
        lambda state: {**state, "model": {k: v * torch.nan for k, v in state["model"].items()}},
    ],
)
def test_a_state_that_is_another_thing(tiny_run, change):
    path, go_on = tiny_run
    torch.save(change(torch.load(path, weights_only=True)), path)
    with named(path, words="remove it to start anew"):
        go_on()


def test_the_head_of_a_transfer(tmp_path, damage):
    network = models.networks.build("imagenet_resnet18", num_classes=10, width=8, **STATS)
    head = tmp_path / "head.pt"
    states.save_state(head, {"identity": {}, "fc": network.fc.state_dict(), "history": []})
    damage(head)
    with named(head, words="is damaged .*remove it"):
        transfer.fit_in_two_phases(network, *SETS, frozen=CONFIG, unfrozen=CONFIG, state=tmp_path)


def test_features_of_pictures_are_computed_again(tmp_path, damage, monkeypatch):
    network = models.networks.build("imagenet_resnet18", num_classes=2, width=8, **STATS)
    network.resize_to(32, "bilinear")
    config = RiskConfig(side=32)
    words = {"views": 0, "folder": tmp_path}
    whole, _ = features.load_or_extract(network, SETS[1], config, **words)
    (file,) = tmp_path.glob("*.pt")
    if damage is folder:
        pytest.skip("a folder is nobody's file: it is refused, not replaced")
    damage(file)
    again, how = features.load_or_extract(network, SETS[1], config, **words)
    assert how == "computed" and torch.equal(whole.images, again.images)
    assert features.load_or_extract(network, SETS[1], config, **words)[1] == "loaded"


def swept(model, place):
    return sweep.run_sweep(
        model, squares(20, seed=0), CONDITIONS, temperature=1.5, identity={"w": 1}, folder=place
    )


def test_a_condition_of_a_sweep_is_computed_again(tmp_path, tiny_model, damage):
    whole = swept(tiny_model, tmp_path)
    file = tmp_path / "contrast-5.npz"
    damage(file)
    if damage is folder:
        with pytest.warns(UserWarning, match=file.name), pytest.raises(OSError, match=file.name):
            swept(tiny_model, tmp_path)
        return
    with pytest.warns(UserWarning, match=f"{file.name} is damaged .*computed again"):
        again = swept(tiny_model, tmp_path)
    for field in evaluation.outcomes.FIELDS:
        assert np.array_equal(getattr(whole, field), getattr(again, field))
    swept(tiny_model, tmp_path)  # whole again: no warning, which would be an error


@pytest.mark.fault("damaged file: fields of another kind")
@pytest.mark.parametrize(
    "changes",
    [
        {"predicted": np.zeros(20)},
        {"predicted": np.zeros(19, dtype=np.uint8)},
        {"log_odds": np.full(20, np.nan, dtype=np.float16)},
        {"log_prob": np.full(20, -np.inf, dtype=np.float16)},
        {"origin": np.array("nowhere")},
        {"origin": np.array([1, 2])},
        {"seconds": np.array(np.nan)},
        {"seconds": np.array(["a", "b"])},
        {"predicted": None},
    ],
)
def test_a_condition_that_is_another_thing(tmp_path, tiny_model, changes):
    whole = swept(tiny_model, tmp_path)
    file = tmp_path / "contrast-5.npz"
    arrays = {**files.read_npz(file), **changes}
    np.savez(file, **{name: values for name, values in arrays.items() if values is not None})
    with pytest.warns(UserWarning, match=file.name):
        again = swept(tiny_model, tmp_path)
    assert np.array_equal(whole.log_prob, again.log_prob)


def test_the_identity_of_a_sweep(tmp_path, tiny_model, damage):
    swept(tiny_model, tmp_path)
    file = tmp_path / "identity.json"
    damage(file)
    with pytest.raises(ValueError, match=r"identity\.json.*folder|holds a sweep"):
        swept(tiny_model, tmp_path)


@pytest.mark.fault("damaged file: fields of another kind")
@pytest.mark.parametrize("answers", [3, "x", [], [[1], [2, 3]], {"a": 1}, [["a"]]])
def test_answers_of_another_kind_in_the_identity(tmp_path, tiny_model, answers):
    words = {"temperature": 1.5, "folder": tmp_path}
    ours = {"answers": [[1.0, 2.0]]}
    sweep.run_sweep(tiny_model, squares(20, seed=0), CONDITIONS, identity=ours, **words)
    path = tmp_path / "identity.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "answers": answers}))
    with pytest.raises(ValueError, match=r"remove (its|the) folder"):
        sweep.run_sweep(tiny_model, squares(20, seed=0), CONDITIONS, identity=ours, **words)


@pytest.mark.fault("runs and visitors at once")
def test_a_folder_that_vanishes_while_a_condition_is_written(tmp_path, tiny_model, monkeypatch):
    place = tmp_path / "sweep"
    savez = np.savez
    calls = []

    def vanished(handle, **arrays):
        calls.append(1)
        if len(calls) == 2:
            raise FileNotFoundError("the folder of the temporary file")
        savez(handle, **arrays)

    monkeypatch.setattr(np, "savez", vanished)
    assert len(swept(tiny_model, place).conditions) == 2


@pytest.mark.fault("results of another run")
def test_conditions_without_an_identity_are_nobodys(tmp_path, tiny_model):
    swept(tiny_model, tmp_path)
    (tmp_path / "identity.json").unlink()
    with pytest.raises(ValueError, match=r"holds clean-0\.npz without the identity\.json"):
        swept(tiny_model, tmp_path)


def test_stored_outcomes(tmp_path, damage):
    path = tmp_path / "cifar10c-x.npz"
    random_outcomes()[0].save(path)
    damage(path)
    with named(path):
        evaluation.Outcomes.load(path)


@pytest.mark.fault("damaged file: fields of another kind")
@pytest.mark.parametrize(
    "changes",
    [
        {"predicted": np.zeros((96, 59), dtype=np.uint8)},
        {"log_odds": np.full((96, 60), np.nan, dtype=np.float16)},
        {"conditions": np.array(["clean"])},
        {"conditions": np.array(3)},
        {"temperature": np.array([1.0, 2.0])},
        {"origins": np.array(1)},
        {"labels": np.array(1)},
        {"more": np.zeros(3)},
        {"predicted": None},
        {"made": None},
        {"made": np.array("[1, 2]")},
        {"made": np.array("{")},
    ],
)
def test_stored_outcomes_that_are_another_thing(tmp_path, changes):
    path = tmp_path / "cifar10c-x.npz"
    random_outcomes()[0].save(path)
    arrays = {**files.read_npz(path), **changes}
    np.savez(path, **{name: values for name, values in arrays.items() if values is not None})
    with named(path):
        evaluation.Outcomes.load(path)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("predicted", np.zeros((96, 60))),
        ("predicted", np.full((96, 60), -1, dtype=np.int8)),
        ("labels", np.zeros(60)),
        ("labels", np.full(60, -1)),
        ("log_odds", np.zeros((96, 60), dtype=np.complex64)),
        ("log_odds_scaled", np.zeros((96, 60), dtype=bool)),
        ("log_prob", np.full((96, 60), 0.5, dtype=np.float16)),
        ("temperature", np.float64(np.nan)),
        ("temperature", np.float64(0.0)),
        ("origins", np.array(["official"] * 95)),
        ("origins", np.array(["nowhere"] * 96)),
    ],
)
def test_stored_outcomes_that_no_model_gives(tmp_path, field, values):
    path = tmp_path / "cifar10c-x.npz"
    random_outcomes()[0].save(path)
    np.savez(path, **{**files.read_npz(path), field: values})
    with pytest.raises(ValueError, match=rf"{path.name} is damaged .*{field}.*restore"):
        evaluation.Outcomes.load(path)


def test_a_condition_with_a_probability_above_1_is_computed_again(tmp_path, tiny_model):
    whole = swept(tiny_model, tmp_path)
    file = tmp_path / "contrast-5.npz"
    changed = {**files.read_npz(file), "log_prob": np.full(20, 0.5, dtype=np.float16)}
    np.savez(file, **changed)
    with pytest.warns(UserWarning, match=r"contrast-5\.npz is damaged .*log_prob"):
        assert np.array_equal(whole.log_prob, swept(tiny_model, tmp_path).log_prob)


@pytest.fixture
def checkpoint(tmp_path, tiny_model):
    models.save_checkpoint(tiny_model, tmp_path / "net", card=CARD)
    return tmp_path / "net"


@pytest.mark.parametrize("suffix", [".json", ".safetensors"])
def test_a_checkpoint(checkpoint, damage, suffix):
    path = checkpoint.with_suffix(suffix)
    damage(path)
    with pytest.raises((ValueError, OSError), match="net"):
        models.load(checkpoint)


@pytest.mark.fault("damaged file: fields of another kind")
@pytest.mark.parametrize(
    "changes",
    [
        {"dataset": 3},
        {"arch": ["resnet18"]},
        {"arch": None},
        {"arch": "resnet19"},
        {"width": "8"},
        {"width": 8.0},
        {"width": True},
        {"width": 0},
        {"width": -8},
        {"classes": None},
        {"classes": 10},
        {"classes": "abcdefghij"},
        {"classes": ["a"]},
        {"classes": list(range(10))},
        {"mean": None},
        {"mean": 0.5},
        {"mean": []},
        {"mean": ["a", "b", "c"]},
        {"std": None},
        {"std": [0.2]},
        {"std": [0, 0, 0]},
        {"sha256": 7},
        {"arch": "imagenet_resnet18", "side": "96", "resizing": "bicubic"},
        {"arch": "imagenet_resnet18", "side": 3, "resizing": "bicubic"},
        {"arch": "imagenet_resnet18", "side": 96, "resizing": 1},
        {"arch": "imagenet_resnet18", "side": 96, "resizing": "cubic"},
    ],
)
def test_a_card_with_fields_of_another_type(checkpoint, changes):
    path = checkpoint.with_suffix(".json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(ValueError, match=r"net\.json"):
        models.load(checkpoint)


@pytest.mark.fault("damaged file: fields of another kind")
@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a": NaN}', '{"a": Infinity}', "[1]", "3", "null", '"a"', "{}x"]
)
def test_json_that_is_another_thing(tmp_path, text):
    path = tmp_path / "some.json"
    path.write_text(text)
    with named(path):
        files.read_json(path)


ROW = {
    "dataset": "cifar10",
    "origin": "standin",
    "split": "test",
    "model": "m",
    "condition": "clean",
    "metric": "accuracy",
    "value": 0.5,
    "n": 9,
}


@pytest.mark.parametrize("suffix", [".json", ".csv"])
def test_a_run_in_results(tmp_path, damage, suffix):
    save_rows([ROW], "a-run", tmp_path)
    damage(tmp_path / f"a-run{suffix}")
    with pytest.raises(ValueError, match="a-run"):
        results.load_run("a-run", folder=tmp_path)


@pytest.mark.fault("damaged file: fields of another kind")
@pytest.mark.parametrize("text", ["", "\x00", "claim,seed\n1,2\n", '"claim\n1', "a,b\n1,2,3,4\n"])
def test_a_table_of_claims(tmp_path, text):
    path = tmp_path / "claims.csv"
    path.write_text(text)
    with named(path):
        claims.load_claims(path)


JUDGED = {
    **dict.fromkeys(claims.COLUMNS, "x"),
    **dict.fromkeys(("low", "high", "value", "lo", "hi"), 0.5),
    "n": 9,
    "verdict": "holds",
}


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "no rows"),
        ([{**JUDGED, "value": "abc"}], "abc"),
        ([{**JUDGED, "verdict": "perhaps"}], "verdicts perhaps"),
        ([JUDGED, JUDGED], "claim x twice"),
    ],
)
def test_claims_that_nobody_judged(tmp_path, rows, reason):
    path = tmp_path / "claims.csv"
    pd.DataFrame(rows, columns=list(claims.COLUMNS)).to_csv(path, index=False)
    with pytest.raises(ValueError, match=rf"claims\.csv is damaged .*{reason}.*restore"):
        claims.load_claims(path)
    with pytest.raises(ValueError, match="no claim was judged in notebook 99"):
        claims.save_claims(pd.DataFrame(columns=list(claims.JUDGED)), tmp_path, where="notebook 99")


def test_claims_cut_within_a_row(tmp_path):
    path = tmp_path / "claims.csv"
    claims.save_claims(pd.DataFrame([JUDGED]), tmp_path, where="notebook 99")
    assert len(claims.load_claims(path)) == 1
    cut_at_the_end(path)
    with pytest.raises(ValueError, match=r"claims\.csv is damaged .*ends within a row"):
        claims.load_claims(path)


COMPARED = {
    **dict.fromkeys(("slice", "detector", "baseline"), "x"),
    **dict.fromkeys(("value", "lo", "hi"), 0.5),
    "n": 9,
    "prespecified": True,
    "outcome": "win",
}


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "no rows"),
        ([{**COMPARED, "lo": "abc"}], "abc"),
        ([{**COMPARED, "n": None}], "(NA|NaN|integer)"),
        ([{**COMPARED, "prespecified": "maybe"}], "[Bb]ool"),
        ([{**COMPARED, "prespecified": False}], "0 of its comparisons"),
        ([{**COMPARED, "outcome": "draw"}], "outcomes draw"),
        ([COMPARED, {**COMPARED, "prespecified": False}], "comparison twice"),
    ],
)
def test_comparisons_that_are_another_thing(tmp_path, rows, reason):
    path = tmp_path / "some-verdicts.csv"
    pd.DataFrame(rows, columns=list(COMPARED)).to_csv(path, index=False)
    with pytest.raises(ValueError, match=rf"some-verdicts\.csv is damaged .*{reason}.*restore"):
        failure.load_comparison(path)


TABLES = ("auditor-cifar10-verdicts.csv", "auditor-cifar10.csv")


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("harm", list(DAMAGES))
def test_the_tables_of_a_sentence(tmp_path, harm, name):
    for source in paths.RESULTS.glob("auditor-cifar10*"):
        shutil.copy(source, tmp_path)
    assert findings.cifar_auditor_sentence(tmp_path)
    harm(tmp_path / name)
    with pytest.raises(ValueError, match=rf"{name}.*(restore|again|run)"):
        findings.cifar_auditor_sentence(tmp_path)


def test_a_table_that_is_no_utf8(tmp_path, damage):
    path = tmp_path / "published_cifar10c.csv"
    path.write_bytes("model,corruption,severity,accuracy,clean_accuracy\né,a,1,0.5,0.9\n".encode())
    if damage in (cut_at_the_end, flipped, cut):
        another_kind(path)
    else:
        damage(path)
    with named(path):
        evaluation.read_published(tmp_path)


@pytest.mark.parametrize("suffix", [".json", ".safetensors"])
def test_the_file_of_the_demo(tmp_path, damage, suffix):
    network = models.build("mnist_cnn", num_classes=10, width=8, mean=(0.1,), std=(0.3,))
    card = {**CARD, "arch": "mnist_cnn", "mean": [0.1], "std": [0.3]}
    saved = models.save_checkpoint(network, tmp_path / "primary", card=card)
    reading = random_activations()
    auditor = failure.fit(reading.features(), reading.failed, seed=0, epochs=1)
    about = {"primary_sha256": saved["sha256"]}
    stem = tmp_path / "demo"
    failure.save_monitor(stem, auditor, reading, reading, limits=[], card=about)
    failure.load_monitor(stem, classifier=tmp_path / "primary")
    damage(stem.with_suffix(suffix))
    with pytest.raises((ValueError, OSError), match="demo"):
        failure.load_monitor(stem, classifier=tmp_path / "primary")


def classifier_in(place):
    return Classifier(None, {}, RiskConfig(), None, place)


def test_the_files_of_a_risk_classifier(tmp_path, damage):
    made = classifier_in(tmp_path)
    arrays = {name: np.zeros(3) for name in ("score", "labels", "groups")}
    files.save_arrays(tmp_path / "validation.npz", arrays, made={})
    for name in ("seen", "decision", "looks"):
        (tmp_path / f"{name}.json").write_text('{"sha256": ["x"]}')
    asked = {
        "validation.npz": made.validation,
        "seen.json": made.seen,
        "decision.json": made.decision,
        "looks.json": lambda: made.count_look("sha256"),
    }
    for name, ask in asked.items():
        damage(tmp_path / name)
        with named(tmp_path / name):
            ask()


@pytest.mark.fault("damaged file: cut")
def test_a_table_of_decisions_that_was_cut_resumes(tmp_path, monkeypatch):
    places = [tmp_path / f"{k}é.png" for k in range(3)]

    def decide(classifier, file, *, threshold, **_):
        words = {"decision": "safe", "review": False, "probability": 0.1, "score": 0.1}
        words |= {"threshold": threshold, "guaranteed": False, "reason": "", "model": "x"}
        return predicting.Decision(file=str(file), **words)

    monkeypatch.setattr(predicting, "decide", decide)
    table = tmp_path / "table.csv"
    made = Classifier(None, {"sha256": "x"}, RiskConfig(), None, tmp_path)
    words = {"threshold": 0.5, "guaranteed": False, "table": table}
    list(predicting.decide_all(made, places, **words))
    whole = table.read_bytes()
    head = whole.index(b"\n") + 1
    for length in (0, *range(head, len(whole))):
        table.write_bytes(whole[:length])
        list(predicting.decide_all(made, places, **words))
        assert table.read_bytes() == whole
    for content in (b"\xff\xfe, \x00 [1]\nlast", whole[: head // 2], b"a,b\n1,2"):
        table.write_bytes(content)
        with pytest.raises(ValueError, match=r"table\.csv"):
            list(predicting.decide_all(made, places, **words))
        assert table.read_bytes() == content  # somebody else's file stays as it is


@pytest.mark.fault("damaged file: cut")
def test_a_log_that_was_cut_gives_its_whole_lines(tmp_path):
    path = tmp_path / "log"
    line = json.dumps({"time": "2026-11-29T10:00:00", "decision": "é"}, ensure_ascii=False)
    path.write_bytes(f"{line}\n{line}\n[1]\n3\n{line}".encode()[:-3])
    assert len(prediction_log.read_log(path)) == 2


def test_what_is_stored_of_images_is_named(tmp_path, damage):
    path = tmp_path / "arrays.npz"
    files.save_arrays(path, {"a": np.arange(500)}, made={"x": 1})
    damage(path)
    with named(path):
        files.load_arrays(path)


@pytest.mark.fault("damaged file: fields of another kind")
def test_one_array_or_no_record_is_no_file_of_ours(tmp_path):
    path = tmp_path / "arrays.npz"
    for write in (np.save, np.savez):
        with open(path, "wb") as file:
            write(file, np.zeros(3))
        with named(path):
            files.load_arrays(path)


@pytest.mark.fault("a write that fails")
def test_a_record_that_json_cannot_hold_is_refused(tmp_path):
    with pytest.raises(ValueError, match="field 'x'"):
        files.save_arrays(tmp_path / "a.npz", {}, made={"x": float("nan")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault("a write that fails")
def test_bytes_are_on_the_disk_before_the_name(tmp_path, monkeypatch):
    order = []
    fsync = os.fsync
    replace = os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (order.append("fsync"), fsync(handle)))
    monkeypatch.setattr(os, "replace", lambda *ends: (order.append("replace"), replace(*ends)))
    files.write_text(tmp_path / "a", "b")
    assert order[:2] == ["fsync", "replace"]


@pytest.mark.fault("interrupted run")
def test_strays_of_killed_runs_are_swept_up(tmp_path):
    old = [".net.77.tmp.safetensors", ".net.77-123.tmp.pt", ".x.1.tmp"]
    kept = [".gitignore", ".x.tmp", "x.1.tmp", ".x.1.tmpfile.txt"]
    for name in (*old, *kept, ".new.78-5.tmp.pt"):
        (tmp_path / name).write_text("")
        age = time.time() - (0 if name.startswith(".new") else 2 * files.STRAY)
        os.utime(tmp_path / name, (age, age))
    files.write_text(tmp_path / "a", "b")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {*kept, ".new.78-5.tmp.pt", "a"}


@pytest.mark.fault("folders that cannot be used")
def test_a_folder_in_the_place_of_a_file_is_named(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder, where a file is to be written"):
        files.write_text(tmp_path / "a", "b")


@pytest.mark.fault("folders that cannot be used")
def test_a_state_that_cannot_be_written_is_known_before_the_first_epoch(
    tmp_path, tiny_model, monkeypatch
):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(training, "train_epoch", lambda *_, **__: pytest.fail("trained"))
    with pytest.raises(PermissionError, match=r"file can't be written .*make it writable"):
        training.fit(tiny_model, *SETS, config=CONFIG, state=tmp_path / "file" / "one.pt")


NOWHERE = r"file can't be written \(.*\): make it writable, or name another folder\.$"


def no_folder(place):
    """A path below a file, so that nobody, not even root, can write there."""
    (place / "file").write_text("")
    return place / "file" / "net"


def must_not_begin(*_, **__):
    pytest.fail("the long work began")


def test_a_sweep_whose_folder_cannot_be_written_is_refused_before_it(
    tmp_path, tiny_model, monkeypatch
):
    monkeypatch.setattr(unfinished.files.tempfile, "TemporaryFile", no_space)
    monkeypatch.setattr(sweep, "corrupted_set", must_not_begin)
    place = tmp_path / "mine"
    with pytest.raises(PermissionError, match=r"mine can't be written \(no space\): .*another"):
        evaluation.benchmark(tiny_model, SETS[1], folder=place, severities=(5,))
    assert list(place.iterdir()) == []


def no_space(*_, **__):
    raise OSError(28, "no space")


def test_a_whole_sweep_is_read_where_nothing_can_be_written(tmp_path, tiny_model, monkeypatch):
    whole = swept(tiny_model, tmp_path)
    monkeypatch.setattr(unfinished.files.tempfile, "TemporaryFile", no_space)
    assert np.array_equal(swept(tiny_model, tmp_path).log_prob, whole.log_prob)


def test_a_sweep_that_cannot_be_saved_does_not_begin(tmp_path, tiny_model, monkeypatch):
    monkeypatch.setattr(models, "predict", must_not_begin)
    words = {"severities": (5,), "weights": "w", "state": tmp_path / "state"}
    sets = {"val": SETS[1], "test": SETS[1]}
    with pytest.raises(PermissionError, match=NOWHERE):
        sweep.load_or_sweep(no_folder(tmp_path), tiny_model, sets, **words)


def test_a_measure_that_cannot_be_saved_is_not_computed(tmp_path):
    with pytest.raises(PermissionError, match=NOWHERE):
        stored.load_or_compute(no_folder(tmp_path), must_not_begin, identity={}, fields=())


def test_a_network_that_cannot_be_saved_is_not_trained(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "fit", must_not_begin)
    monkeypatch.setattr(classifier, "fit_fresh", must_not_begin)
    words = {"arch": "resnet18", "width": 8, "rounds": (CONFIG,), "recipe": "quick"}
    sets = dict(zip(("train", "val"), SETS, strict=True))
    path = no_folder(tmp_path)
    with pytest.raises(PermissionError, match=NOWHERE):
        rounds.train_rounds(path, sets, state=tmp_path / "state", **words)
    with pytest.raises(PermissionError, match=NOWHERE):
        classifier.train_classifier(path, sets, seed=0)


def test_studies_ask_for_the_folder_of_checkpoints_before_they_train(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "fit", must_not_begin)
    monkeypatch.setattr(models, "load", lambda *_: (None, {"sha256": "x", "width": 8}))
    monkeypatch.setattr(reference.data, "load_imagenet_weights", must_not_begin)
    monkeypatch.setattr(paths, "MODELS", no_folder(tmp_path))
    sets = dict(zip(("train", "val"), SETS, strict=True))
    for train in (defended.defended_classifier, reference.reference_classifier):
        with pytest.raises(PermissionError, match=r"can't be written"):
            train(sets, state=tmp_path)


@pytest.mark.fault("a write that fails")
def test_a_full_disk_is_named(tmp_path, monkeypatch):
    def full(*_):
        raise RuntimeError("[enforce fail] . unexpected pos 1490688 vs 1490608")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match=r"one\.pt could not be written .*is the disk full"):
        states.save_state(tmp_path / "one.pt", {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault("runs and visitors at once")
def test_three_sweeps_in_one_folder_all_end(tmp_path, monkeypatch):
    sets = dict.fromkeys(("train", "val", "test"), squares(12, seed=0))
    words = {"severities": (5,), "weights": "w", "state": tmp_path, "names": ("fog", "contrast")}
    made = []
    # its tracing knows one thread alone; two runs are two processes
    monkeypatch.setattr(models, "choose_dtype", lambda *_: (torch.float32, {}))

    def one(model):
        made.append(evaluation.load_or_sweep(tmp_path / "x.npz", model, sets, **words)[0])

    networks = [models.build("resnet18", num_classes=10, width=8, **STATS) for _ in range(3)]
    threads = [threading.Thread(target=one, args=(network,)) for network in networks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 3
    assert all(np.array_equal(made[0].log_odds, other.log_odds) for other in made)


@pytest.mark.fault("runs and visitors at once")
def test_a_folder_removed_by_another_run_is_no_end(tmp_path, tiny_model, monkeypatch):
    place = tmp_path / "sweep"
    whole = swept(tiny_model, tmp_path / "other")
    answer = sweep._Sweep.answer

    def meanwhile(run, name, severity):
        arrays = answer(run, name, severity)
        for file in place.glob("*"):
            file.unlink()
        return arrays

    monkeypatch.setattr(sweep._Sweep, "answer", meanwhile)
    assert np.array_equal(swept(tiny_model, place).log_odds, whole.log_odds)


@pytest.mark.fault("runs and visitors at once")
def test_a_folder_removed_by_several_runs_is_no_end(tmp_path, tiny_model, monkeypatch):
    place = tmp_path / "sweep"
    whole = swept(tiny_model, tmp_path / "other")
    put_in_place = files.put_in_place
    removals = []

    def meanwhile(temporary, path):
        if removals.count(path) < 5:
            removals.append(path)
            shutil.rmtree(place)
        put_in_place(temporary, path)

    monkeypatch.setattr(files, "put_in_place", meanwhile)
    assert np.array_equal(swept(tiny_model, place).log_odds, whole.log_odds)
    assert place / unfinished.IDENTITY in removals
    assert len(removals) == 5 * len(set(removals)) > 5


@pytest.mark.fault("runs and visitors at once")
def test_two_trainings_of_one_network_both_end(tmp_path, monkeypatch):
    sets = {"train": SETS[0], "val": SETS[1]}
    fit = training.fit

    def removed_meanwhile(*arguments, state, **words):
        made = fit(*arguments, state=state, **words)
        state.unlink()  # by the other run, which is done
        return made

    monkeypatch.setattr(training, "fit", removed_meanwhile)
    words = {"arch": "resnet18", "width": 8, "rounds": (CONFIG,), "recipe": "quick"}
    _, card = rounds.train_rounds(tmp_path / "net", sets, state=tmp_path / "state", **words)
    assert card["accuracy"]["val"]["n"] == 20


@pytest.mark.fault("devices")
def test_the_temperature_of_another_device_is_that_of_the_folder(tmp_path, tiny_model):
    swept(tiny_model, tmp_path)
    words = {"identity": {"w": 1}, "folder": tmp_path}
    again = sweep.run_sweep(
        tiny_model, squares(20, seed=0), CONDITIONS, temperature=1.5 * (1 + 1e-6), **words
    )
    assert again.temperature == 1.5
    with pytest.raises(ValueError, match=r"temperature = 1\.5, not 1\.6"):
        sweep.run_sweep(tiny_model, squares(20, seed=0), CONDITIONS, temperature=1.6, **words)


@pytest.mark.fault("damaged file: fields of another kind")
def test_a_card_of_the_zoo_with_rounds_of_another_kind(checkpoint):
    path = checkpoint.with_suffix(".json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "rounds": [{"epoch": 3}]}))
    with named(path):
        rounds.load_or_train_rounds(
            checkpoint,
            {"train": SETS[0]},
            arch="resnet18",
            width=8,
            rounds=(dataclasses.replace(CONFIG, epochs=2),),
            recipe="quick",
            state=checkpoint.parent,
            retrain=False,
        )
