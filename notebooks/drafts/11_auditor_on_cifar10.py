# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 11 · The same auditor on CIFAR-10
#
# **Question.** Does an auditor of a ResNet-18 find its mistakes under CIFAR-10-C better than softmax confidence does, when the
# corruptions it is measured on come from other families than those it was trained on?
#
# An *auditor* (notebook 09) is a small network that reads a classifier's activations and says how likely the answer is wrong.
#
# **What we expect, and why.**
# 1. Under the corruptions it was trained on, a win against confidence: it has learnt what they do to the activations.
# 2. Under held-out families, a tie or a loss: there the activations are unlike any it was trained on, while confidence needs no
#    training.
#
# The families, the severities and the main comparison were written down beforehand: [notes/claims.md](../notes/claims.md).
#
# **Reads** the ResNet-18 of notebook 01 and CIFAR-10. **Writes** `results/auditor-cifar10*`, `figures/11_*`,
# `models/auditor-cifar10-s0.*` for the demo.
#
# **Time.** Thirty-five minutes on two CPU cores with fast bfloat16, with other work running beside it; on a GPU not measured.
#
# Previous: [10, risk budgets](10_risk_budgets.ipynb) · Next: none yet

# %%
import numpy as np
import pandas as pd

from visionfail import corruptions, failure, figures, metrics, models
from visionfail.names import readable
from visionfail.studies import auditing

# %% tags=["parameters"]
PROFILE = "auto"  # "quick", "full", or "auto": full where there is a GPU
PRESPECIFIED = ("not learnt from", "1 - confidence")  # chosen beforehand: slice and baseline
BASELINES = ["1 - confidence", "logistic regression"]  # no training; trained on the same images
REFERENCE = {"quick": 500, "full": 10_000}  # training images that distances are taken to
LIMITS = {"quick": 200, "full": 5_000}  # validation images that detectors are trained on
SLICES = {  # name in results/: words in figures and tables
    "clean": "clean",
    "learnt from": "trained on",
    "not learnt from": "held out",
    "not learnt from, severities apart": "held out, within severities",
}

# %%
run = auditing.prepare_cifar10(PROFILE)  # profile, images, where figures go
val = run.sets["val"].first(LIMITS[run.profile.name])
test = run.test
run.environment()

# %% [markdown]
# ## Which images, under which corruptions?
#
# *Detectors* (the auditor and its baselines, all of which say how likely an answer is wrong) are trained on validation images,
# which the classifier was not trained on: clean, and once under each corruption of one group of families. They are measured on
# test images under the corruptions of the other group, the *held-out families*. Families stay together, so a detector measured
# on shot noise was trained on no noise at all. Then the two groups change places.

# %%
model, card, how = models.cifar10_classifier(run.profile, run.sets, arch="resnet18", seed=0)
dtype, dtype_record = models.choose_dtype(model, val)  # bfloat16 where fast and harmless
print(f"ResNet-18 {how}; {len(val):,} validation and {len(test):,} test images", end=" ")
print(f"({run.origin}); predictions under corruption in {dtype_record['dtype']}")
groups = {families: pd.Series(names) for families, names in auditing.FAMILIES.items()}
pd.DataFrame(groups).fillna("")

# %% [markdown]
# Every severity gets a fifth of the images. Which fifth changes from one corruption to the next, so that no image meets the same
# severity everywhere:

# %%
place = np.arange(len(test))
number = corruptions.CORRUPTIONS.index("fog")
severity = 1 + (5 * place // len(test) + number) % 5  # 1 to 5, (N,)
assert np.array_equal(severity, auditing.mixed_severities(len(test), "fog"))
assert np.ptp(np.bincount(severity)[1:]) <= 1  # a fifth each

# %%
pictures, captions = [], []
for name in ("fog", "glass_blur"):
    ten = auditing.corrupt_mixed_severities(test.images[:10], name)
    severities = auditing.mixed_severities(10, name)
    for k in (0, 4, 8):  # from the first, third and last fifth of ten
        pictures.append(ten[k].numpy())
        captions.append(f"severity {severities[k]}")
fig = figures.image_grid(
    np.stack(pictures),
    columns=3,
    captions=captions,
    row_names=["fog", "glass blur"],
    title="Three of ten test images: severity depends on place and corruption",
)
run.save(fig, "11_severities")

# %% [markdown]
# The *activations* are the outputs of the classifier's four stages, each channel averaged over the picture: 64 + 128 + 256 + 512
# numbers per image. A *failure* is a wrong answer.

# %%
activations = {
    "val": auditing.extract_all(model, val, dtype=dtype),  # {condition: activations}
    "test": auditing.extract_all(model, test, dtype=dtype),
}
training = run.sets["train"].first(REFERENCE[run.profile.name])
reference = failure.extract(
    model, training.images, training.labels, layers=failure.LAYERS["resnet18"]
)
rates = {}
for split, by_condition in activations.items():
    rates[split] = {readable(name): part.failed.mean() for name, part in by_condition.items()}
pd.DataFrame(rates).style.format("{:.1%}").set_caption("Share of wrong answers")

# %% [markdown]
# ## An auditor for your own classifier, in five lines
#
# Any torch classifier of pictures in [0, 1]; `layers` are names of its modules. The images that the auditor is trained on must
# not be those that the classifier was trained on. Put the classifier's own confidence beside it before you believe it: AUROC,
# the area under the ROC curve, is the chance that a failure gets a higher score than a right answer, 0.5 for a coin.

# %%
layers = ["layer3", "layer4"]
on_val = failure.extract(model, val.images, val.labels, layers=layers)
auditor = failure.fit(on_val.features(), on_val.failed, seed=0)
on_test = failure.extract(model, test.images, test.labels, layers=layers)
score = auditor.score(on_test.features())  # probability that each answer is wrong, (N,)

by_auditor = metrics.auroc(score, on_test.failed)
by_confidence = metrics.auroc(1 - failure.confidence_of(on_test), on_test.failed)
print(f"{len(test):,} clean test images: AUROC of the auditor {by_auditor:.3f},", end=" ")
print(f"of 1 - confidence {by_confidence:.3f}.")
print(f"The auditor had {on_val.failed.sum():,} failures to learn from.")

# %% [markdown]
# ## Who finds the failures under held-out families?
#
# Two directions: trained on noise and blur and measured on weather and digital, and the other way round. In each, AUROC is taken
# within a corruption and averaged over corruptions; *within severities*, it is taken within a corruption and severity, where
# recognising a strong corruption is worth nothing. Then the directions are averaged.
#
# Five auditors differ in their seed alone; the classifier is one. 95% intervals come from resampling the test images.

# %%
noise_blur, weather_digital = auditing.FAMILIES.values()
directions = {  # trained on: (its corruptions, the held-out ones)
    "noise and blur": (noise_blur, weather_digital),
    "weather and digital": (weather_digital, noise_blur),
}
scored = {}  # {trained on: {condition: one Scored per auditor seed}}
for families, (trained_on, _) in directions.items():
    scored[families] = auditing.score_held_out(
        activations["val"], reference, activations["test"], names=trained_on
    )

# %%
counts = metrics.resampling_counts(run.profile.bootstraps, len(test), np.random.default_rng(0))
by_direction = {}  # {(slice, trained on): {detector: estimate}}
for families, (trained_on, held_out) in directions.items():
    by_condition = scored[families]
    conditions = {
        "clean": {"clean": by_condition["clean"]},
        "learnt from": {name: by_condition[name] for name in trained_on},
        "not learnt from": {name: by_condition[name] for name in held_out},
        "not learnt from, severities apart": auditing.split_by_severity(by_condition, held_out),
    }
    for name in SLICES:
        by_direction[name, families] = auditing.mean_auroc(conditions[name], counts)

# %%
averaged = {}  # {slice: {detector: estimate}}, mean of both directions
for name in SLICES:
    first, second = (by_direction[name, families] for families in directions)
    if first and second:  # None where failures are too few
        averaged[name] = {}
        for detector in first:
            pair = [first[detector], second[detector]]
            averaged[name][detector] = metrics.mean_of_estimates(pair)
single = {}  # the same for each corruption, where it is held out
for families, (_, held_out) in directions.items():
    for name in held_out:
        if failure.has_enough_failures(scored[families][name]):
            single[readable(name)] = failure.aurocs(scored[families][name], counts)
aurocs = {**averaged, **single}
table = failure.auroc_rows(aurocs, dict.fromkeys(aurocs, len(test)))

# %%
held_out_mean = {d: value.exact.mean() for d, value in averaged["not learnt from"].items()}
ours, theirs = held_out_mean["auditor"], held_out_mean["1 - confidence"]
fig = figures.detectors_by_slice(
    table.replace({"slice": SLICES}),
    slices=[SLICES[name] for name in averaged],
    title=f"AUROC on held-out families: auditor {ours:.3f}, confidence {theirs:.3f}",
    unit="images",
)
run.save(fig, "11_judges", svg=True)

# %% [markdown]
# The baselines are those of notebook 09: confidence, entropy, margin and energy come from the logits without training,
# *neighbours* is the distance to the 50th nearest of 10,000 training images in the last stage, and *logistic regression* is trained
# on the sorted logits of the auditor's images.
#
# ## Win, tie or loss?
#
# As in notebook 09. A *tie*: the interval of the difference lies within ±0.01. A *win* or *loss*: it excludes 0, over images and
# over the five auditor seeds (columns t_lo and t_hi, a t interval), after Holm's correction for everything but the one comparison
# that was chosen beforehand. Else *undecided*. A tie does not have to hold over the seeds.

# %%
differences = {}
for name, estimates in aurocs.items():
    for baseline in BASELINES:
        differences[name, baseline] = estimates["auditor"] - estimates[baseline]
compared = failure.comparison_table(differences, primary=PRESPECIFIED)
compared["n"] = len(test)
compared["seeds"] = [list(difference.exact) for difference in differences.values()]
failure.save_comparison(compared, run.profile.results / "auditor-cifar10-verdicts.csv")

shown = compared.replace({"slice": SLICES})
shown = shown.rename(columns={"rival": "baseline", "verdict": "outcome"})
shown["corrected p"] = ["<0.001" if p < 0.001 else f"{p:.3f}" for p in shown.p_corrected]
columns = ["slice", "baseline", "value", "lo", "hi", "t_lo", "t_hi", "corrected p", "outcome", "n"]
caption = "AUROC of the auditor minus that of the baseline"
shown[columns].style.format(precision=3, thousands=",").hide().set_caption(caption)

# %%
against = compared[compared.rival == "1 - confidence"].set_index("slice")
outcomes = against.loc[list(single)].verdict.value_counts()
counted = ", ".join(f"{outcome} {count}" for outcome, count in outcomes.items())
fig = figures.lead(
    compared.replace({"slice": SLICES}),
    slices=[SLICES.get(name, name) for name in aurocs],
    rival="1 - confidence",
    margin=failure.MARGIN,
    unit="images",
    title=f"{len(single)} corruptions, each held out, against confidence: {counted}",
)
run.save(fig, "11_lead", svg=True)

# %% [markdown]
# ## Does it matter which families are held out?
#
# The main comparison averages two directions. *Stands*: the auditor is ahead of confidence or behind it where the interval over
# images excludes 0, else level.

# %%
rows = []
for (name, families), estimates in by_direction.items():
    if estimates:
        difference = estimates["auditor"] - estimates["1 - confidence"]
        value, lo, hi = difference.interval()
        row = {"trained on": families, "slice": name}
        for detector in ("auditor", "1 - confidence"):
            row[detector] = estimates[detector].exact.mean()
        row.update({"difference": value, "lo": lo, "hi": hi})
        row["stands"] = "ahead" if lo > 0 else "behind" if hi < 0 else "level"
        rows.append(row)
per_direction = pd.DataFrame(rows)
seeds = len(auditing.AUDITOR_SEEDS)
caption = f"AUROC, n = {len(test):,} {run.origin} images, mean of {seeds} auditors"
shown = per_direction.replace({"slice": SLICES})
shown.style.format(precision=3).hide().set_caption(caption)

# %%
common = {"dataset": "cifar10", "origin": run.origin, "split": "test"}
common.update({"model": "resnet18", "n": len(test)})
lines = []
for r in table.itertuples():
    line = {"condition": r.slice, "metric": f"AUROC: {r.judge}"}
    line.update({"value": r.value, "lo": r.lo, "hi": r.hi})
    lines.append({**common, **line})
for row in rows:
    line = {"condition": f"{row['slice']} (learnt: {row['trained on']})"}
    line["metric"] = "AUROC, auditor ahead of 1 - confidence"
    line.update({"value": row["difference"], "lo": row["lo"], "hi": row["hi"]})
    lines.append({**common, **line})
config = {"origin": run.origin, "n": len(test), "learnt": len(val)}
config.update({"weights": card["sha256"], "gate": dtype_record})
run.save_rows("auditor-cifar10", lines, config=config, splits=("val", "test")).tail(3)

# %% [markdown]
# ## A file for the demo
#
# `make app` shows an auditor that was trained under all 15 corruptions; it reads the auditor and a map of test images from one
# small file.

# %%
everything = failure.concatenate(list(activations["val"].values()))
auditor = failure.fit(everything.features(), everything.failed, seed=0)
places = np.arange(0, len(test), max(1, len(test) // 125))  # about 125 images per condition
on_map = failure.concatenate([part.at(places) for part in activations["test"].values()])
about = {"dataset": "cifar10", "origin": run.origin, "learnt": len(everything.labels)}
about["primary_sha256"] = card["sha256"]
stem = run.profile.models / "auditor-cifar10-s0"
failure.save_monitor(stem, auditor, everything, on_map, limits=[], card=about)

# %% [markdown]
# ## Answer

# %%
print(f"One ResNet-18, {seeds} auditor seeds, {len(test):,} test images ({run.origin}).")
expected = {"learnt from": ["win"], "not learnt from": ["tie", "loss"]}
for number, (name, outcomes) in enumerate(expected.items(), start=1):
    row = against.loc[name]
    judged = "as expected" if row.verdict in outcomes else "not as expected"
    print(f"{number}. {SLICES[name].capitalize()}, against confidence: {row.verdict},", end=" ")
    print(f"AUROC {row.value:+.3f} (95%: {row.lo:+.3f} to {row.hi:+.3f}), {judged}.")

main_rows = per_direction[per_direction.slice == "not learnt from"]
parts = []
for row in main_rows.to_dict("records"):
    interval = f"{row['difference']:+.3f}, {row['lo']:+.3f} to {row['hi']:+.3f}"
    parts.append(f"{row['stands']} ({interval}) when trained on {row['trained on']}")
print("   It averages two directions: the auditor is " + "; ".join(parts) + ".")

# %%
main = against.loc["not learnt from"]
within = main.t_lo >= -failure.MARGIN and main.t_hi <= failure.MARGIN
print(f"   Over seeds the mean is {main.t_lo:+.3f} to {main.t_hi:+.3f}:", end=" ")
print(f"{'within' if within else 'not within'} ±{failure.MARGIN:g}, which a tie does not require.")
print(f"   The {len(single)} corruptions that can be measured, each held out: {counted}.")
if "clean" in against.index:
    clean = against.loc["clean"]
    print(f"   On clean images: {clean.verdict} ({clean.value:+.3f},", end=" ")
    print(f"95%: {clean.lo:+.3f} to {clean.hi:+.3f}).")

# %% [markdown]
# **Limitations.** One classifier: the seeds are those of the auditor, so the outcomes are about this network. The two directions
# differ in more than the families: the corruptions that are held out are of different difficulty too. The corruptions are
# regenerated, frost with a texture of our own. An auditor that also reads the logits was not tried here, nor was an ensemble of
# classifiers, a stronger baseline than one network's confidence.
#
# **References.** Jaeger et al. 2023, arXiv:2211.15259 (FD-Shifts). Hendrycks and Gimpel 2017, arXiv:1610.02136 (confidence).
# Hendrycks and Dietterich 2019, arXiv:1903.12261 (CIFAR-10-C). Holm 1979 (correction for many comparisons).
#
# **Three things to try.** (1) Train it on clean images alone. (2) Give it the logits: `activations.features([..., "logits"])`.
# (3) Assign the corruptions to the two groups at random: does mixing the families help the auditor?
