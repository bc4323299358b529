# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 09 · The auditor: does anything inside a network tell that it is wrong?
#
# **Question.** Can a small network that reads a classifier's activations find its mistakes better than the classifier's own
# confidence can?
#
# **What we expect, and why.**
# 1. Not the published numbers: earlier unpublished work (study C) reports an AUROC of 0.958 for such an *auditor* and 0.835
#    for confidence, but it measured the auditor on the draws that it had been trained on.
# 2. An auditor that is ahead on shifts it was trained on: it has learnt what they do to the activations.
# 3. An auditor that is behind on shifts it was not trained on: the most careful comparison in the literature (FD-Shifts)
#    finds plain confidence hard to beat.
#
# Statistics and regions were written down beforehand: [notes/claims.md](../notes/claims.md).
#
# **Reads** the five classifiers of notebook 08, MNIST, scikit-learn's 8x8 digits. **Writes** `results/mnist-auditor.*`,
# `results/mnist-verdicts.csv`, its rows of `results/claims.csv`, `figures/09_*`.
#
# **Time.** A quarter of an hour on two CPU cores; on a GPU not measured.
#
# Previous: [08, a digit classifier](08_train_primary.ipynb) · Next: [10, risk budgets](10_risk_budgets.ipynb)

# %%
import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

from visionfail import claims, corruptions, failure, figures, metrics
from visionfail.studies import auditing

# %% tags=["parameters"]
PROFILE = "auto"  # "quick", "full", or "auto": full where there is a GPU
PRESPECIFIED = ("shifted", "1 - confidence")  # chosen beforehand: slice and baseline
SHOWN = 5  # pictures per row

# %%
run = auditing.prepare(PROFILE)  # profile, images, where figures go
test = run.test
run.environment()

# %% [markdown]
# ## Who is trained on what?
#
# The classifiers were trained on the split "train". The *detectors* (the auditor and its baselines, which all say how likely
# an answer is wrong) are trained on the split "auditor", which no classifier has seen: each of these digits is drawn about
# five times, four times in five under a shift. A fifth of the digits is held out to choose the best baseline. Everything
# reported is on the test digits, with random draws of their own.

# %%
classifiers = auditing.load_classifiers(run)  # {seed: (model, card, "loaded" or "trained")}
models = {seed: model for seed, (model, _, _) in classifiers.items()}
draws = auditing.training_draws(run.sets["auditor"])
trained = {}
for seed, model in models.items():
    trained[seed] = auditing.train_detectors(model, draws, run.sets, seed=seed)
learnt, held_out = trained[0].learnt, trained[0].held
print(f"{len(learnt.labels):,} draws to train on, {learnt.failed.mean():.1%} failures (seed 0);")
print(f"{len(held_out.labels):,} held out; {len(test):,} test digits ({run.origin})")

# %%
trained[0].held_sample.log().head(6)

# %% [markdown]
# ## What is an auditor?
#
# A multilayer perceptron on the activations of three layers, averaged over the picture: 32 + 64 + 128 numbers. It is trained
# like any classifier, with two classes: the answer was right, or it was wrong. In full, on the first draws:

# %%
features = learnt.features()[:4000]  # (N, 224)
failed = learnt.failed[:4000]  # (N,) bool
x = torch.from_numpy(features).float()
y = torch.from_numpy(failed).float()
mean = torch.from_numpy(features.mean(axis=0)).float()
std = torch.from_numpy(features.std(axis=0)).float()
std[std <= 1e-6] = 1.0  # a channel that is always the same stays as it is
z = (x - mean) / std

torch.manual_seed(0)  # initial weights, dropout and the order of the draws
network = nn.Sequential(
    nn.Linear(x.shape[1], 128), nn.ReLU(), nn.Dropout(0.1),
    nn.Linear(128, 64), nn.ReLU(), nn.Dropout(0.1),
    nn.Linear(64, 1),
)  # fmt: skip

# %%
optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
for _ in range(6):  # epochs
    for batch in torch.randperm(len(x)).split(128):
        log_odds = network(z[batch]).squeeze(1)  # of failure
        loss = binary_cross_entropy_with_logits(log_odds, y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

package = failure.fit(features, failed, seed=0)
for ours, theirs in zip(network.parameters(), package.layers.parameters(), strict=True):
    assert torch.allclose(ours, theirs, atol=1e-5)

# %% [markdown]
# ## What does it minimise, and how is it measured?
#
# Binary cross-entropy (BCE) asks for a probability of failure. AUROC, the area under the ROC curve, asks how often a failure
# gets a higher score than a right answer: 0.5 is chance. Both in full, on held-out draws of seed 0.

# %%
failed = held_out.failed
with torch.no_grad():
    log_odds = trained[0].panel.auditor(torch.from_numpy(held_out.features()))
y = torch.from_numpy(failed).float()
p_right, p_wrong = logsigmoid(-log_odds), logsigmoid(log_odds)  # logs of both probabilities
bce = -(y * p_wrong + (1 - y) * p_right).mean()
assert torch.isclose(bce, binary_cross_entropy_with_logits(log_odds, y))

pairs = log_odds[failed][:, None] - log_odds[~failed][None, :]  # every failure, every right answer
auroc = ((pairs > 0).float() + 0.5 * (pairs == 0)).mean().item()
assert abs(auroc - metrics.auroc(log_odds.numpy(), failed)) < 1e-4
print(f"BCE {bce:.3f} nats, AUROC {auroc:.3f},", end=" ")
print(f"n = {len(failed):,} draws, {failed.sum():,} failures")

# %% [markdown]
# ## What are the baselines?
#
# Four *failure scores* need nothing but the logits, and no training. Each is higher where a wrong answer is likelier:

# %%
logits = torch.from_numpy(held_out.logits).double()  # (N, 10)
p = logits.softmax(dim=1)
first, second = p.topk(2, dim=1).values.T  # the two largest probabilities
scores = {
    "1 - confidence": 1 - first,
    "entropy": -(p * p.log()).sum(dim=1),  # in nats; 0 where one class has all the probability
    "margin": 1 - (first - second),  # small where the second class is far behind
    "energy": -logits.logsumexp(dim=1),  # high where all logits are small
}
package = failure.scores_from_logits(held_out.logits)
for name, score in scores.items():
    np.testing.assert_allclose(score, package[name], rtol=1e-6, atol=1e-9)

# %% [markdown]
# Two more use the same draws as the auditor. *Neighbours*: the distance from the activations of the last layer, scaled to
# length 1, to the 50th nearest among 10,000 digits that the classifier was trained on. *Logistic regression*: from the ten
# logits, sorted, to failure.
#
# ## How much of the published number is training set leakage?
#
# Study C trained its classifier on all 60,000 training digits, its auditor on draws of the same digits, and measured the
# auditor on the draws it was trained on. Here that is changed to our protocol one step at a time (seed 0).

# %%
original, _ = auditing.fit_fresh(auditing.all_but_test(run.sets), run.sets["val"], seed=0)
steps = auditing.leakage_steps(
    original, models[0], run.sets, seed=0, bootstraps=run.profile.bootstraps
)
by_auditor = steps[steps.judge == "auditor"]
before, after = by_auditor.iloc[0], by_auditor.iloc[-1]
title = f"Original protocol to ours: AUROC {before.value:.3f} becomes {after.value:.3f}"
fig = figures.detectors_by_slice(
    steps.rename(columns={"step": "slice"}).assign(seeds=1),
    slices=list(dict.fromkeys(steps.step)),
    title=title,
    measured="AUROC of failure, seed 0",
)
run.save(fig, "09_leakage", svg=True)
steps.style.format(precision=3).hide()

# %%
print(f"Original protocol {before.value:.3f} (95%: {before.lo:.3f} to {before.hi:.3f}),", end=" ")
print(f"ours {after.value:.3f} ({after.lo:.3f} to {after.hi:.3f}).")
overlap = before.lo <= after.hi and after.lo <= before.hi
print("The intervals overlap: no leakage shows." if overlap else "The intervals are apart.")

# %% [markdown]
# ## Who finds the failures?
#
# Slices of the test draws: *clean* digits; the *mix*, four in five of them shifted; the *shifted* digits of the mix; every
# digit under one shift; and *within slices*, the mean over each shift in thirds of its strength. On a mix a detector has an
# easy way to look good, recognising that a digit is shifted; within slices that is worth nothing.
#
# Each seed has an AUROC of its own, scores of different networks are never pooled; points are means over the seeds, and the
# 95% intervals come from resampling the test digits.

# %%
samples = auditing.samples_to_score(test, seed=auditing.JUDGE_SEED)
by_slice = auditing.scores_by_slice(models, trained, samples)
counts = metrics.resampling_counts(run.profile.bootstraps, len(test), np.random.default_rng(0))
aurocs = auditing.auroc_by_slice(by_slice, counts)  # {slice: {detector: estimate}}
baseline = auditing.best_baseline(list(trained.values()))
n = {name: len(seeds[0].failed) for name, seeds in by_slice.items()}
n["within slices"] = len(test)
too_few = ", ".join(name for name in by_slice if name not in aurocs) or "nowhere"
print(f"best baseline on held-out digits: {baseline}; too few failures to measure: {too_few}")

# %%
order = ("clean", "mix", "shifted", *corruptions.SHIFTS, "within slices")
main = [name for name in order if name in aurocs]
table = failure.auroc_rows(aurocs, n)
ahead = aurocs["shifted"]["auditor"].exact.mean() - aurocs["shifted"]["1 - confidence"].exact.mean()
title = f"On shifted digits the auditor's AUROC is {ahead:+.3f} against confidence"
fig = figures.detectors_by_slice(table, slices=main, title=title)
run.save(fig, "09_judges", svg=True)

# %% [markdown]
# AUROC weighs all failures alike. AURC, the area under the risk-coverage curve, also counts how often the classifier is wrong
# at all: let it answer only where the score is lowest, and take the mean share of wrong answers over all shares answered
# (*coverages*). Smaller is better.

# %%
pair = list(dict.fromkeys(["auditor", "1 - confidence", baseline]))
aurcs = {}
for name in by_slice:
    if name in aurocs:
        aurcs[name] = failure.aurocs(by_slice[name], counts, judges=pair, measure=failure.AURC)
aurc = failure.auroc_rows(aurcs, n)
aurc["text"] = [f"{r.value:.4f} ({r.lo:.4f} to {r.hi:.4f})" for r in aurc.itertuples()]
aurc.pivot(index="slice", columns="judge", values="text").loc[list(aurcs), pair]

# %% [markdown]
# ## What if a shift was never seen?
#
# Each detector is trained without one of the shifts and measured on it. Then the detectors that were trained on all four meet
# corruptions that resemble none of them, and digits of other writers.

# %%
unseen = auditing.scores_without_each_shift(models, run.sets, samples)
unseen.update(auditing.scores_on_unseen(models, trained, test))
for name, seeds in unseen.items():
    n[name] = len(seeds[0].failed)
    if failure.has_enough_failures(seeds):
        resamples = counts
        if n[name] != len(test):  # other digits need resamples of their own
            generator = np.random.default_rng(1)
            resamples = metrics.resampling_counts(run.profile.bootstraps, n[name], generator)
        aurocs[name] = failure.aurocs(seeds, resamples)
fresh = [name for name in unseen if name in aurocs]
print(f"too few failures to measure: {', '.join(set(unseen) - set(fresh)) or 'nowhere'}")

# %%
gains = {s: (aurocs[s]["auditor"] - aurocs[s]["1 - confidence"]).exact.mean() for s in fresh}
behind = sum(gain < 0 for gain in gains.values())
title = f"On {behind} of {len(fresh)} shifts not trained on, the auditor is behind confidence"
fig = figures.detectors_by_slice(failure.auroc_rows(aurocs, n), slices=fresh, title=title)
run.save(fig, "09_unseen", svg=True)

# %% [markdown]
# ## Win, tie or loss?
#
# A *tie*: the interval of the difference lies within ±0.01. A *win* or *loss*: it excludes 0, over digits and over the five
# seeds (columns t_lo and t_hi, a t interval), after Holm's correction for everything but the one comparison that was chosen
# beforehand. Else *undecided*: a small interval over digits can be undecided because the seeds disagree.

# %%
differences = {}
for name, estimates in aurocs.items():
    for other in pair[1:]:
        differences[name, other] = estimates["auditor"] - estimates[other]
compared = failure.comparison_table(differences, primary=PRESPECIFIED)
compared["n"] = compared.slice.map(n)
compared["seeds"] = [list(difference.exact) for difference in differences.values()]
failure.save_comparison(compared, run.profile.results / "mnist-verdicts.csv")

shown = compared.rename(columns={"rival": "baseline", "verdict": "outcome"})
shown["corrected p"] = ["<0.001" if p < 0.001 else f"{p:.3f}" for p in shown.p_corrected]
columns = ["slice", "baseline", "value", "lo", "hi", "t_lo", "t_hi", "corrected p", "outcome", "n"]
shown[columns].style.format(precision=3).hide()

# %%
against = compared[compared.rival == "1 - confidence"].set_index("slice")
wins, losses = (against.verdict == "win").sum(), (against.verdict == "loss").sum()
title = f"Auditor against confidence: {wins} wins, {losses} losses in {len(against)} slices"
fig = figures.lead(
    compared,
    slices=[*main, *auditing.strength_thirds(list(aurocs)), *fresh],
    rival="1 - confidence",
    margin=failure.MARGIN,
    title=title,
)
run.save(fig, "09_lead", svg=True)

# %% [markdown]
# ## Which layers does it use?
#
# Auditors that see one layer alone; and the full auditor with one layer's activations shuffled between digits, which says how
# much it relies on that layer. Shifted digits of the mix, all seeds.

# %%
shifted = samples["mix"].at(samples["mix"].kind >= 0)
by_layer, lost = auditing.auroc_by_layer(models, trained, shifted, counts)
n_layer = dict.fromkeys([*by_layer, *lost], len(shifted))
layers = failure.auroc_rows({name: {"auditor": value} for name, value in by_layer.items()}, n_layer)
best = layers.sort_values("value").iloc[-1]
title = f"What a part of the network tells: the most from {best.slice}"
fig = figures.detectors_by_slice(
    layers, slices=list(by_layer), title=title, measured="AUROC of failure"
)
run.save(fig, "09_layers", svg=True)

# %%
importance = failure.auroc_rows({name: {"auditor": value} for name, value in lost.items()}, n_layer)
importance.rename(columns={"slice": "layer that is shuffled", "value": "AUROC lost"}).drop(
    columns="judge"
).round(4)

# %% [markdown]
# The channels that the auditor of seed 0 relies on most, and the digits that excite them most: five that were misread, five
# that were not.

# %%
activations = auditing.extract_sample(models[0], shifted)
auditor = trained[0].panel.auditor
channels = failure.channel_importance(auditor, activations, generator=np.random.default_rng(0))
top = channels.head(SHOWN)
places = []
for row in top.itertuples():
    for among in (activations.failed, ~activations.failed):
        strongest = failure.most_active_images(
            activations, row.layer, row.channel, count=SHOWN, among=among
        )
        places.extend(strongest)
fig = figures.image_grid(
    shifted.images[places].numpy(),
    columns=2 * SHOWN,
    captions=["wrong" if activations.failed[place] else "right" for place in places],
    row_names=[f"{row.layer}, {row.channel}" for row in top.itertuples()],
    title="Where the most telling channels are most active (seed 0)",
)
run.save(fig, "09_channels")
top.round(4)

# %% [markdown]
# ## What does it look like?
#
# All test digits of the mix, seed 0. A confident mistake is a wrong answer with confidence of at least 0.9. Pictures are the
# first of their list, ranked by the auditor's probability.

# %%
mix = by_slice["mix"][0]
histograms = {}
for detector in ("1 - confidence", "auditor"):
    histograms[detector] = auditing.score_histogram(mix.scores[detector], mix.failed)
title = "Scores of right and of wrong answers (seed 0, mix)"
fig = figures.scores_by_outcome(histograms, title=title)
run.save(fig, "09_scores", svg=True)

# %%
activations = auditing.extract_sample(models[0], samples["mix"])
points, explained = auditing.principal_plane(auditor, learnt, activations)
title = "Activations in two dimensions, coloured by the auditor (seed 0, mix)"
fig = figures.latent_map(
    points, mix.scores["auditor"], mix.failed, explained=explained, title=title
)
run.save(fig, "09_latents")

# %%
titles = {
    "caught": "Confident mistakes that the auditor catches",
    "missed": "Confident mistakes that the auditor misses",
    "distrusted": "Right answers that the auditor distrusts",
}
ranked = auditing.ranked_failures(activations, mix.scores["auditor"])
for rule, places in ranked.items():
    chosen = places[: 2 * SHOWN]
    captions = auditing.failure_captions(activations, mix.scores["auditor"], chosen)
    pictures = samples["mix"].images[chosen].numpy()
    fig = figures.image_grid(pictures, columns=SHOWN, captions=captions, title=titles[rule])
    run.save(fig, f"09_{rule}")

# %% [markdown]
# ## The claims of study C
#
# Each has a statistic and a region, written down beforehand; the verdict is computed from the interval.

# %%
confidence = []
for model in models.values():
    confidence.append(failure.confidence_of(auditing.extract_sample(model, samples["mix"])))
judged = auditing.judge_auditor(aurocs, by_slice, confidence, counts=counts)
claims.save_claims(judged, run.profile.results, where="notebook 09")
columns = ["claim", "words", "value", "lo", "hi", "low", "high", "verdict"]
judged[columns].style.format(precision=3).hide()

# %%
tables = {
    "AUROC": failure.auroc_rows(aurocs, n),
    "AURC": aurc,
    "AUROC, auditor ahead of": compared.assign(judge=compared.rival),
    "AUROC, protocol step": steps.assign(slice=steps.step),
    "AUROC, layer": layers,
    "AUROC lost, layer shuffled": importance,
}
rows = auditing.result_rows(tables, origin=run.origin)
weights = [card["sha256"] for _, card, _ in classifiers.values()]
config = {"origin": run.origin, "n": len(test), "bootstraps": run.profile.bootstraps}
config["weights"] = weights
run.save_rows("mnist-auditor", rows, config=config, splits=tuple(run.sets)).tail(3)

# %% [markdown]
# ## Answer

# %%
primary = compared[compared.primary].iloc[0]
print(f"On shifted {run.origin} digits: {primary.verdict} against confidence,", end=" ")
print(f"AUROC {primary.value:+.3f} (95%: {primary.lo:+.3f} to {primary.hi:+.3f},", end=" ")
print(f"n = {primary.n:,} digits, {len(models)} seeds).")

by_claim = judged.set_index("claim")
for reported, claim in {"auditor, 0.958": "C2", "confidence, 0.835": "C3"}.items():
    row = by_claim.loc[claim]
    print(f"1. Reported for the {reported}: here {row.value:.3f}, so the claim {row.verdict}.")
trained_on = [name for name in corruptions.SHIFTS if name in against.index]
for number, names in {"2. Trained on": trained_on, "3. Not trained on": fresh}.items():
    counted = against.loc[names].verdict.value_counts()
    words = ", ".join(f"{outcome} {count}" for outcome, count in counted.items())
    print(f"{number}: {words}, of {len(names)} shifts.")

# %% [markdown]
# **Limitations.** One small architecture, one kind of auditor, shifts made in software. The auditors are trained on the very
# kinds of shift on which the main comparison is made, an advantage that confidence does not have; that is why the shifts left
# out and never seen stand beside it. The five seeds share the training draws, so the interval over seeds does not contain the
# chance in those. The test digits had been looked at before the classifiers' weights were averaged (notebook 08).
#
# **References.** Hendrycks and Gimpel 2017, arXiv:1610.02136 (confidence). Jaeger et al. 2023, arXiv:2211.15259 (FD-Shifts).
# Liu et al. 2020, arXiv:2010.03759 (energy). Sun et al. 2022, arXiv:2204.06507 (neighbours). Geifman and El-Yaniv 2017,
# arXiv:1705.08500 (AURC). Holm 1979 (correction for many comparisons).
#
# **Three things to try.** (1) Give the auditor the logits too: which slice gains? (2) Train it on a tenth of the draws.
# (3) Replace the mean over each map by its maximum: does the first block become more telling?
