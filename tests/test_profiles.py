import pytest

from visionfail import files, paths, profiles


def test_auto_asks_the_environment(monkeypatch):
    monkeypatch.setenv("VISIONFAIL_PROFILE", "full")
    assert (
        profiles.get_profile() is profiles.FULL and profiles.get_profile("quick") is profiles.QUICK
    )
    monkeypatch.setenv("VISIONFAIL_PROFILE", "fast")
    with pytest.raises(ValueError, match="fast"):
        profiles.get_profile()


def test_auto_without_gpu_is_quick_and_with_one_full(monkeypatch):
    monkeypatch.delenv("VISIONFAIL_PROFILE", raising=False)
    for has_gpu, expected in ((False, profiles.QUICK), (True, profiles.FULL)):
        monkeypatch.setattr("torch.cuda.is_available", lambda has_gpu=has_gpu: has_gpu)
        assert profiles.get_profile() is expected


def test_the_environment_may_say_auto_too(monkeypatch):
    monkeypatch.setenv("VISIONFAIL_PROFILE", "auto")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert profiles.get_profile() is profiles.QUICK


def test_only_full_writes_where_files_are_committed():
    assert profiles.FULL.results == paths.RESULTS and profiles.FULL.models == paths.MODELS
    assert profiles.QUICK.results.is_relative_to(
        paths.RUNS
    ) and profiles.QUICK.state.is_relative_to(paths.RUNS)


@pytest.mark.fault("a write that fails")
def test_half_written_file_never_takes_the_name(tmp_path):
    target = tmp_path / "file.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), files.atomic_write(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["file.txt"]
    with files.atomic_write(target) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "new"
