import re
import sys

from visionfail import paths

sys.path.insert(0, str(paths.ROOT / "tools"))
import readme

TEXT = (paths.ROOT / "README.md").read_text(encoding="utf-8")


def test_results_table_is_what_the_command_writes():
    assert readme.written(TEXT) == TEXT, "stale: make readme"


def test_every_linked_file_is_there():
    links = re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", TEXT)
    local = [a or b for a, b in links if not (a or b).startswith("http")]
    assert local and [link for link in local if not (paths.ROOT / link).exists()] == []
