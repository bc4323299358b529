import re

from makers import squares

from visionfail import data, models, paths
from visionfail.models import predict

TEXT = (paths.ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_corruption_of_ones_own_runs_through_a_sweep(tmp_path, monkeypatch, tiny_model, capsys):
    (snippet,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    test = squares(30, seed=0)
    monkeypatch.setattr(data, "load_or_standin", lambda *words: test)
    monkeypatch.setattr(models, "build", lambda *words, **options: tiny_model)
    names: dict = {}
    exec(snippet, names)
    accuracy = names["outcomes"].correct.mean(axis=1)
    assert accuracy.shape == (4,) and str(accuracy[0])[:4] in capsys.readouterr().out
    darker = (test.images.float() - 80).clip(0).byte()
    answers = predict(tiny_model, darker).argmax(1)
    assert (answers.numpy() == names["outcomes"].predicted[3]).all()


def test_every_file_and_folder_it_names_is_there():
    text = TEXT.replace("tests/ROOM/test_FILE.py", "")  # a pattern, not a file
    named = re.findall(r"`((?:tests|notes|corruptions|figures|failure|models|data)/[\w./]+)`", text)
    roots = [paths.ROOT, paths.ROOT / "src" / "visionfail"]
    missing = [name for name in named if not any((root / name).exists() for root in roots)]
    assert len(named) > 8 and missing == []
