"""The figure of one network under attack, without sets and seeds to compare."""

import pandas as pd
from matplotlib.figure import Figure

from visionfail.figures.attacks import ATTACK_LOOKS
from visionfail.figures.margins import footnote, legend, named_handles, new_figure
from visionfail.figures.style import GREY, check_names, count_range, model_colour, percent_axis
from visionfail.names import model_name


def attack_ladder(table: pd.DataFrame, *, model: str, chance: float, title: str = "") -> Figure:
    """Accuracy by epsilon of one network, a line per attack with its 95% Wilson interval.

    Rows have attack ("fgsm" or "pgd"), epsilon of 255, value, lo, hi and n. A dashed line marks
    `chance`, what guessing gets. ValueError for an attack without a look.
    """
    check_names(table.attack.unique(), ATTACK_LOOKS, "attack")
    fig = new_figure(2.6, title)
    ax = fig.add_subplot()
    epsilons = sorted(table.epsilon.unique())
    colour = model_colour(model)
    for attack, points in table.groupby("attack", sort=False):
        name, line, marker = ATTACK_LOOKS[str(attack)]
        x = [epsilons.index(epsilon) for epsilon in points.epsilon]
        look = {"linestyle": line, "marker": marker, "markersize": 4, "color": colour}
        ax.plot(x, points.value, label=name, **look)
        ax.fill_between(x, points.lo, points.hi, color=colour, alpha=0.15, linewidth=0)
    ax.axhline(chance, color=GREY, linewidth=1, linestyle=":", label="guessing")
    ax.set_xticks(range(len(epsilons)), [f"{epsilon:g}" for epsilon in epsilons])
    ax.set(xlabel="epsilon, of 255 grey levels", ylabel="accuracy", ylim=(0, 1.02))
    percent_axis(ax.yaxis)
    legend(fig, named_handles(ax))
    n = count_range(table.n)
    footnote(fig, f"{model_name(model)}; bands: 95% Wilson interval; n = {n} images")
    return fig
