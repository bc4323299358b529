"""How things are called."""

import pytest

from visionfail import names


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ({"form": ".2f", "scale": 100}, "12.50 (2.00 to 30.25)"),
        ({"form": ".1%"}, "12.5% (2.0% to 30.2%)"),
        ({"form": ".1f", "scale": 100, "unit": "%"}, "12.5% (2.0 to 30.2)"),
        ({"form": ",.0f", "scale": 10_000}, "1,250 (200 to 3,025)"),
    ],
)
def test_a_value_stands_with_its_interval(words, text):
    assert names.with_interval(0.125, 0.02, 0.3025, **words) == text
