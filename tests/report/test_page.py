"""The page about anybody's model is one file that fetches nothing, and says what it was made on."""

import re

import pandas as pd
import pytest
from matplotlib import pyplot as plt

from visionfail import files, report
from visionfail.figures import per_class_plot

ORIGINS = {
    "standin": "STAND-IN DATA, not the real data set",
    "subset": "SUBSET of the official data",
    "regenerated": "images regenerated",
}


@pytest.fixture(autouse=True)
def figures_closed():
    yield
    plt.close("all")


def part(**changes):
    figure = per_class_plot([9, 7], [10, 10], ["cat", "dog"], model="yours", title="By class")
    return report.Part(**{"sentences": ["7 of 10 dogs."], "figure": figure, **changes})


def parts(**changes):
    return {key: part() for key in report.PARTS} | changes


def write(path, *, origin="official", profile="full", **changes):
    settings = {"name": "my model", "dataset": "cifar10", "facts": {"device": "a CPU"}}
    settings |= {"parts": parts()} | changes
    report.own_model(path, origin=origin, profile=profile, **settings)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return write(tmp_path_factory.mktemp("page") / "page.html")


def test_nothing_is_fetched_from_elsewhere(page):
    sources = re.findall(r'(?:src|href|action|data)="([^"]*)"', page)
    assert len(sources) == len(report.PARTS)
    assert all(source.startswith("data:image/png;base64,iVBOR") for source in sources)
    assert "url(" not in page and "@import" not in page
    assert not re.search(r"<(script|link|iframe|object|embed|form)", page)
    assert "default-src 'none'" in page


def test_every_part_stands_with_its_question_and_its_words(page):
    places = [page.index(heading.question) for heading in report.PARTS.values()]
    assert places == sorted(places)
    assert page.count("7 of 10 dogs.") == 2 * len(report.PARTS)  # the sentence, and the picture's


def test_the_datas_origin_is_written_on_it(page):
    assert "cifar10 (origin: official)" in page
    assert "<title>Where my model fails</title>" in page
    assert 'class="stamp"' not in page


@pytest.mark.parametrize("origin", ORIGINS)
def test_what_is_no_official_data_stands_in_the_title_and_on_the_page(tmp_path, origin):
    page = write(tmp_path / "page.html", origin=origin)
    title = re.search("<title>(.*)</title>", page).group(1)
    assert title.startswith(ORIGINS[origin])
    assert f'<p class="stamp">{ORIGINS[origin]}' in page
    assert f"origin: {origin}" in page


def test_the_quick_profile_is_no_finding(tmp_path):
    page = write(tmp_path / "page.html", origin="standin", profile="quick")
    assert re.search("<title>STAND-IN DATA.*QUICK PROFILE: no finding.*</title>", page)


def test_figures_carry_the_mark_too(tmp_path):
    changed = parts()
    write(tmp_path / "page.html", origin="standin", parts=changed)
    for made in changed.values():
        assert any(ORIGINS["standin"] in text.get_text() for text in made.figure.texts)


def test_names_are_escaped_wherever_they_stand(tmp_path):
    evil = '<script>alert("1")</script>'
    table = pd.DataFrame({evil: [evil]})
    page = write(
        tmp_path / "page.html",
        name=evil,
        dataset=evil,
        facts={evil: evil},
        parts=parts(classes=part(sentences=[evil], table=table)),
    )
    assert "<script" not in page
    assert 'alt="&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;" src=' in page
    assert page.count("&lt;script&gt;") >= 7


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize("key", report.PARTS)
def test_a_missing_ingredient_is_named_and_nothing_is_written(tmp_path, key):
    fewer = parts()
    del fewer[key]
    with pytest.raises(ValueError, match=f"the page lacks {key}: pass all of curves, classes"):
        write(tmp_path / "page.html", parts=fewer)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parts": {"speed": None, **dict.fromkeys(report.PARTS)}}, "knows no speed"),
        ({"name": " "}, "lacks a name"),
        ({"dataset": ""}, "lacks a dataset"),
        ({"origin": "real"}, "unknown origin 'real'"),
        ({"profile": "auto"}, "unknown profile 'auto'"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        write(tmp_path / "page.html", **changes)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault("bad arguments")
@pytest.mark.parametrize("sentences", [[], "one"])
def test_a_part_without_sentences_is_refused(tmp_path, sentences):
    with pytest.raises(ValueError, match="attacks has no sentences"):
        write(tmp_path / "page.html", parts=parts(attacks=part(sentences=sentences)))
    assert list(tmp_path.iterdir()) == []


def test_long_texts_of_a_table_are_not_cut(tmp_path):
    long = "light, " * 30 + "end"
    table = pd.DataFrame({"measured": [long], "value": [0.12345]})
    page = write(tmp_path / "page.html", parts=parts(attacks=part(table=table)))
    assert long in page and "0.123<" in page


@pytest.mark.fault("a write that fails")
def test_it_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    before = write(tmp_path / "page.html")

    def no_space(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(files.os, "replace", no_space)
    with pytest.raises(OSError, match="no space"):
        write(tmp_path / "page.html", name="another")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == before
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]


def test_the_same_ingredients_give_the_same_bytes(tmp_path, page):
    assert write(tmp_path / "page.html") == page
