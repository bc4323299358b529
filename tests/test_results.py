"""results: what is saved comes back, in the stated form, whole or not at all, and edits are
noticed.
"""

import hashlib
import json
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from visionfail import files, paths, results

CONFIG = {"origin": "standin", "epochs": 3, "severities": (0, 1, 5)}
ROW = {
    "dataset": "cifar10c",
    "origin": "standin",
    "split": "test",
    "model": "resnet18",
    "seed": 0,
    "condition": "gaussian_noise",
    "severity": 3,
    "metric": "accuracy",
    "value": 0.123456789,
    "lo": 0.1,
    "hi": 0.15,
    "n": 10_000,
}
MEAN = {  # a row without seed, severity and interval
    "dataset": "cifar10c",
    "origin": "standin",
    "split": "test",
    "model": "resnet18",
    "condition": "None",
    "metric": "accuracy",
    "value": 0.5,
    "n": 10_000,
}


def save(folder, rows=(ROW, MEAN), config=CONFIG):
    results.save_run(
        "03_sweep",
        rows,
        folder=folder,
        config=config,
        seconds=12.34,
        data_checksums={"test": "md5:0"},
        device="cpu, 2 cores",
    )


def test_what_is_saved_comes_back(tmp_path):
    save(tmp_path)
    table, meta = results.load_run("03_sweep", folder=tmp_path)
    assert tuple(table.columns) == results.COLUMNS
    assert table.run.tolist() == ["03_sweep"] * 2
    first = table.iloc[0]
    second = table.iloc[1]
    assert first.value == pytest.approx(0.123456789, rel=1e-5)
    assert (first.severity, first.n, first.seed, first.lo) == (3, 10_000, 0, 0.1)
    assert (
        second.condition == "None"
        and pd.isna(second.severity)
        and pd.isna(second.seed)
        and np.isnan(second.lo)
    )
    assert meta["config"] == {"origin": "standin", "epochs": 3, "severities": [0, 1, 5]}
    assert (meta["seconds"], meta["device"], meta["data_checksums"]) == (
        12.3,
        "cpu, 2 cores",
        {"test": "md5:0"},
    )
    assert set(meta["versions"]) == {"python", "torch", "torchvision", "numpy"}


def test_the_csv_is_plain_long_form(tmp_path):
    save(tmp_path)
    assert (tmp_path / "03_sweep.csv").read_bytes().decode() == (
        "run,dataset,origin,split,model,seed,condition,severity,metric,value,lo,hi,n\n"
        "03_sweep,cifar10c,standin,test,resnet18,0,gaussian_noise,3,accuracy,"
        "0.123457,0.1,0.15,10000\n"
        "03_sweep,cifar10c,standin,test,resnet18,,None,,accuracy,0.5,,,10000\n"
    )
    before = (tmp_path / "03_sweep.csv").read_bytes()
    save(tmp_path)
    assert (tmp_path / "03_sweep.csv").read_bytes() == before


def test_the_hash_is_sha256_of_canonical_json():
    expected = hashlib.sha256(b'{"epochs":3,"origin":"standin","severities":[0,1,5]}').hexdigest()
    assert results.config_hash(CONFIG) == expected
    assert (
        results.config_hash({"severities": [0, 1, 5], "epochs": 3, "origin": "standin"}) == expected
    )
    assert results.config_hash(dict(CONFIG, epochs=4)) != expected


@pytest.mark.fault("results of another run")
def test_is_current_only_for_the_same_configuration(tmp_path):
    assert not results.is_current("03_sweep", folder=tmp_path, config=CONFIG)
    save(tmp_path)
    assert results.is_current("03_sweep", folder=tmp_path, config=CONFIG)
    assert not results.is_current(
        "03_sweep", folder=tmp_path, config=dict(CONFIG, origin="official")
    )


def test_windows_line_ends_made_by_git_are_no_edit(tmp_path):
    save(tmp_path)
    for file in tmp_path.iterdir():
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert len(results.load_run("03_sweep", folder=tmp_path)[0]) == 2


def edit_config(folder):
    meta = json.loads((folder / "03_sweep.json").read_text())
    meta["config"]["epochs"] = 40
    (folder / "03_sweep.json").write_text(json.dumps(meta))


def drop_column(folder):
    table = pd.read_csv(folder / "03_sweep.csv").drop(columns=["lo", "n"])
    table.to_csv(folder / "03_sweep.csv", index=False)


def edit_value(folder):
    text = (folder / "03_sweep.csv").read_text()
    (folder / "03_sweep.csv").write_text(text.replace("0.5", "0.9"))


@pytest.mark.fault("damaged file: fields of another kind")
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (edit_config, "configuration does not fit its hash"),
        (drop_column, "lacks the columns lo, n"),
        (edit_value, "03_sweep.csv is not the table"),
        (lambda folder: (folder / "03_sweep.csv").write_text(""), "lacks the columns run"),
        (lambda folder: (folder / "03_sweep.csv").unlink(), "03_sweep.csv is not in"),
        (lambda folder: (folder / "03_sweep.json").unlink(), "03_sweep.json is not in"),
        (
            lambda folder: (folder / "03_sweep.json").write_text('{"config": {'),
            "03_sweep.json is not readable as json",
        ),
        (
            lambda folder: (folder / "03_sweep.json").write_text("{}"),
            "lacks config, config_sha256, csv_sha256",
        ),
    ],
)
def test_damage_is_refused(tmp_path, damage, message):
    save(tmp_path)
    damage(tmp_path)
    with pytest.raises(ValueError, match=message):
        results.load_run("03_sweep", folder=tmp_path)


@pytest.mark.fault("interrupted run")
def test_a_run_that_was_killed_between_its_two_files_is_not_current_but_done_anew(
    tmp_path, monkeypatch
):
    save(tmp_path)
    write_text = files.write_text

    def killed(path, text):
        if path.suffix == ".json":
            raise KeyboardInterrupt
        write_text(path, text)

    monkeypatch.setattr(files, "write_text", killed)
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path, rows=[dict(ROW, value=0.25)])
    monkeypatch.setattr(files, "write_text", write_text)
    with pytest.raises(ValueError, match="half a run"):
        results.load_run("03_sweep", folder=tmp_path)
    assert not results.is_stored_whole("03_sweep", folder=tmp_path)
    assert not results.is_current("03_sweep", folder=tmp_path, config=CONFIG)
    save(tmp_path)
    assert results.is_current("03_sweep", folder=tmp_path, config=CONFIG)
    (tmp_path / "03_sweep.json").unlink()
    assert not results.is_stored_whole("03_sweep", folder=tmp_path)


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda folder: save(folder, rows=[]), "no rows"),
        (
            lambda folder: save(folder, rows=[dict(ROW, accuracy=1)]),
            r"unknown columns \['accuracy'\]",
        ),
        (
            lambda folder: save(folder, rows=[ROW, dict(ROW, metric=None)]),
            r"row 1 .* missing \['metric'\]",
        ),
        (lambda folder: save(folder, rows=[dict(ROW, value=np.nan)]), r"missing \['value'\]"),
        (lambda folder: save(folder, rows=[dict(ROW, value=np.inf)]), "not finite"),
        (lambda folder: save(folder, rows=[dict(ROW, value=93.5)]), "divide percent by 100"),
        (lambda folder: save(folder, rows=[dict(ROW, origin="real")]), "origin 'real'"),
        (lambda folder: save(folder, rows=[dict(ROW, run="other")]), "run 'other'"),
        (lambda folder: save(folder, config={"epochs": 3}), "lacks 'origin'"),
        (lambda folder: save(folder, config=dict(CONFIG, path=paths.ROOT)), "not plain json"),
        (lambda folder: save(folder, config=dict(CONFIG, lr=float("nan"))), "not plain json"),
        (lambda folder: results.load_run("../secret", folder=folder), "names a file"),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(tmp_path, call, message):
    with pytest.raises(ValueError, match=message):
        call(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.fault("a write that fails")
def test_a_write_that_fails_leaves_the_old_run(tmp_path, monkeypatch):
    save(tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def full_disk(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr("os.replace", full_disk)
    with pytest.raises(OSError, match="no space"):
        save(tmp_path, rows=[ROW])
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def git(folder, *command):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", folder, *identity, *command], check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("git") is None, reason="no git in PATH")
def test_the_commit_is_that_of_our_own_checkout_and_dirty_means_the_code(tmp_path, monkeypatch):
    root = tmp_path.resolve()
    monkeypatch.setattr(paths, "ROOT", root)
    assert results.git_state() is None  # no checkout
    (root / "src").mkdir()
    (root / "src" / "a.py").write_text("a = 1\n")
    git(root, "init")
    assert results.git_state() is None  # no commit yet
    git(root, "add", ".")
    git(root, "commit", "-m", "a")
    state = results.git_state()
    assert state is not None
    assert len(state["commit"]) == 40 and state["dirty"] is False
    (root / "figure.png").write_text("made by the run")
    assert results.git_state() == state
    (root / "src" / "a.py").write_text("a = 2\n")
    assert results.git_state() == {"commit": state["commit"], "dirty": True}
    monkeypatch.setattr(paths, "ROOT", root / "src")
    assert results.git_state() is None  # inside another project's checkout


def test_a_record_matches_where_it_has_every_wanted_field():
    stored = {"origin": "official", "n": 10, "sides": [16, 24], "more": None}
    assert results.matches(stored, {"origin": "official", "sides": (16, 24)})
    assert not results.matches(stored, {"n": 11})
    assert not results.matches(stored, {"seed": None})
