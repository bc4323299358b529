import dataclasses

import numpy as np
import pytest
import torch
import torchvision
from makers import squares
from sklearn.metrics import confusion_matrix, recall_score

from visionfail import data, devices, files, profiles
from visionfail.models import networks, transfer
from visionfail.studies.transfer import follow_ups, ladder, recipes, shifts
from visionfail.studies.transfer.recipes import Member

SETS = {"train": squares(120, seed=0), "val": squares(60, seed=1), "test": squares(40, seed=2)}


def sets_with(split):
    """SETS with other images in the place of one split's."""
    sets = dict(SETS)
    sets[split] = squares(len(SETS[split]), seed=8)
    return sets


CONDITIONS = [("contrast", 3), ("shuffled", 2)]
SHORT = {"epochs": 1, "batch_size": 60}


def short(name):
    """A member of the ladder with rounds of one epoch."""
    member = recipes.members()[name]
    rounds = {}
    for phase in ("head", "whole"):
        config = getattr(member, phase)
        if config is not None:
            rounds[phase] = dataclasses.replace(config, **SHORT)
    return dataclasses.replace(member, **rounds)


BASELINE = short("tuned-64")


def small_start(member, train, *, seed):
    """A narrow network in the place of ImageNet's."""
    model = networks.build(
        "imagenet_resnet18",
        num_classes=len(train.classes),
        width=8,
        mean=transfer.MEAN,
        std=transfer.STD,
        seed=seed,
    )
    model.resize_to(32, "bilinear")
    return model.eval(), "drawn"


@pytest.fixture(autouse=True)
def small_and_apart(monkeypatch, tmp_path):
    """Narrow networks in float32, few conditions, and results in a folder of the test's own."""
    monkeypatch.setattr(devices, "fast_bf16", lambda device: False)
    monkeypatch.setattr(ladder, "start_of", small_start)
    monkeypatch.setattr(shifts, "shifted_conditions", lambda: CONDITIONS)
    there = dataclasses.replace(profiles.FULL, out=tmp_path)
    monkeypatch.setattr(profiles, "FULL", there)


def train(member, tmp_path, *, seed=0, sets=SETS, state="state"):
    return ladder.load_or_train(member, seed, sets, state=tmp_path / state)


def trained_model(monkeypatch, member, tmp_path, *, seed=0):
    """(answers, record, network) of a member."""
    kept = []
    ask = ladder.ask

    def watched(model, *arguments):
        kept.append(model)
        return ask(model, *arguments)

    monkeypatch.setattr(ladder, "ask", watched)
    arrays, record, _ = train(member, tmp_path, seed=seed)
    return arrays, record, kept[0]


def plain_answers(model, images):
    """(log of each class's share, float64 (N, K)) of one forward pass."""
    with torch.no_grad():
        logits = model(images.float() / 255).double().numpy()
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def test_answers_are_stored_in_results_by_name_and_seed(tmp_path):
    member = recipes.members()["constant-0.01-64"]
    expected = tmp_path / "results" / "transfer-constant-0.01-64-s2.npz"
    assert ladder.answers_file(member, 2) == expected


def test_a_network_is_trained_once_and_then_loaded(tmp_path):
    arrays, record, how = train(BASELINE, tmp_path)
    assert how == "computed"
    assert [row["epoch"] for row in record["history"]] == [1, 2]
    assert record["pretrained"] == "drawn" and record["origin"] == "standin"
    again, stored, how = train(BASELINE, tmp_path, state="another")
    assert how == "loaded" and again.keys() == arrays.keys()
    assert all(np.array_equal(arrays[name], again[name]) for name in arrays)
    assert stored["history"] == record["history"] and stored["seed"] == 0
    assert not (tmp_path / "another").exists()
    assert not (tmp_path / "state" / "transfer-tuned-64-s0").exists()  # finished


def test_answers_are_those_of_plain_passes_of_the_trained_network(tmp_path, monkeypatch):
    arrays, _, model = trained_model(monkeypatch, BASELINE, tmp_path)
    part = ladder.training_part(SETS["train"])
    for split in ("val", "test"):
        images = SETS[split]
        logs = plain_answers(model, images.images)
        answers = logs.argmax(axis=1)
        assert np.array_equal(arrays[f"{split}_predicted"], answers)
        assert np.array_equal(arrays[f"{split}_labels"], images.labels.numpy())
        of_label = logs[np.arange(len(images)), images.labels.numpy()]
        np.testing.assert_allclose(arrays[f"{split}_log_prob"], of_label, rtol=2e-3, atol=2e-3)
        largest = np.exp(logs.max(axis=1))
        odds = np.log(largest / (1 - largest))
        np.testing.assert_allclose(arrays[f"{split}_log_odds"], odds, rtol=2e-3, atol=4e-3)
    logs = plain_answers(model, part.images)
    of_label = logs[np.arange(len(part)), part.labels.numpy()]
    np.testing.assert_allclose(arrays["train_log_prob"], of_label, rtol=2e-3, atol=2e-3)


def test_shifted_answers_are_those_to_shifted_images(tmp_path, monkeypatch):
    monkeypatch.setattr(shifts, "IMAGES", 25)
    arrays, _, model = trained_model(monkeypatch, BASELINE, tmp_path)
    assert arrays["shifted_predicted"].shape == arrays["shifted_log_odds"].shape == (2, 25)
    for row, (name, severity) in enumerate(CONDITIONS):
        images = shifts.shifted(SETS["test"].images[:25], name, severity)
        answers = plain_answers(model, images).argmax(axis=1)
        assert np.array_equal(arrays["shifted_predicted"][row], answers)
    plain = train(dataclasses.replace(BASELINE, name="plain", shifted=False), tmp_path)[0]
    assert not any(name.startswith("shifted") for name in plain)


def test_which_seeds_there_are_does_not_matter(tmp_path):
    train(BASELINE, tmp_path)
    assert train(dataclasses.replace(BASELINE, seeds=(0,)), tmp_path)[2] == "loaded"


@pytest.mark.fault("results of another run")
def test_a_changed_member_is_trained_anew(tmp_path):
    train(BASELINE, tmp_path)
    whole = dataclasses.replace(BASELINE.whole, peak_lr=0.05)
    assert train(dataclasses.replace(BASELINE, whole=whole), tmp_path)[2] == "computed"


@pytest.mark.fault("results of another run")
@pytest.mark.parametrize("split", ["train", "test"])
def test_other_images_are_trained_on_and_asked_about_anew(split, tmp_path):
    member = dataclasses.replace(BASELINE, shifted=False)
    train(member, tmp_path)
    assert train(member, tmp_path)[2] == "loaded"
    assert train(member, tmp_path, sets=sets_with(split))[2] == "computed"


@pytest.mark.fault("results of another run")
def test_other_validation_images_are_asked_about_anew(tmp_path):
    member = dataclasses.replace(BASELINE, shifted=False)
    train(member, tmp_path)
    assert train(member, tmp_path, sets=sets_with("val"))[2] == "computed"


def test_seeds_are_trained_apart(tmp_path):
    first, _, _ = train(BASELINE, tmp_path)
    second, record, how = train(BASELINE, tmp_path, seed=1)
    assert how == "computed" and record["seed"] == 1
    assert not np.array_equal(first["test_log_prob"], second["test_log_prob"])
    assert train(BASELINE, tmp_path)[2] == "loaded"


def rounds_of_fit(monkeypatch, module, name):
    """The positional and named arguments of each call of a function of a module."""
    plain = getattr(module, name)
    calls = []

    def watched(*arguments, **options):
        calls.append((arguments, options))
        return plain(*arguments, **options)

    monkeypatch.setattr(module, name, watched)
    return calls


@pytest.mark.parametrize("name", ["at-once-64", "scratch-64"])
def test_a_network_without_a_frozen_phase_learns_in_all_its_layers(name, tmp_path, monkeypatch):
    member = short(name)
    start = small_start(member, SETS["train"], seed=0)[0].state_dict()
    arrays, record, model = trained_model(monkeypatch, member, tmp_path)
    assert [row["epoch"] for row in record["history"]] == [1]
    assert ("shifted_predicted" in arrays) == member.shifted
    weights = [name for name, _ in model.named_parameters()]
    after = model.state_dict()
    assert not any(torch.equal(start[name], after[name]) for name in weights)


def test_after_a_frozen_phase_only_the_named_children_have_learnt(tmp_path, monkeypatch):
    start = small_start(BASELINE, SETS["train"], seed=0)[0].state_dict()
    _, _, model = trained_model(monkeypatch, BASELINE, tmp_path)
    for name, parameter in model.named_parameters():
        learns = name.startswith(("layer3", "layer4", "fc"))
        assert torch.equal(start[name], parameter.detach()) != learns, name


def test_without_a_frozen_phase_the_other_children_stay_frozen(tmp_path, monkeypatch):
    member = dataclasses.replace(short("at-once-64"), unfrozen=("layer4", "fc"))
    start = small_start(member, SETS["train"], seed=0)[0].state_dict()
    _, _, model = trained_model(monkeypatch, member, tmp_path)
    for name, parameter in model.named_parameters():
        learns = name.startswith(("layer4", "fc"))
        assert torch.equal(start[name], parameter.detach()) != learns, name


def test_rounds_have_the_members_settings_and_seeds_of_their_own():
    head, whole = ladder.seeded(BASELINE, 2)
    assert (head.seed, whole.seed) == (2, 102)
    assert (head.cycle, whole.cycle) == ((0.0, 0.5), (0.5, 1.0))
    probe = ladder.seeded(short("frozen-64"), 2)
    assert [(config.seed, config.cycle) for config in probe] == [(2, (0.0, 1.0))]
    whole_only = ladder.seeded(short("scratch-64"), 1)
    expected = dataclasses.replace(short("scratch-64").whole, seed=1)
    assert whole_only == [expected]


def test_a_new_head_on_frozen_features_answers_as_the_whole_network(tmp_path, monkeypatch):
    member = short("frozen-64")
    calls = rounds_of_fit(monkeypatch, transfer, "fit_head")
    arrays, record, how = train(member, tmp_path)
    assert how == "computed" and "shifted_predicted" not in arrays
    assert [row["epoch"] for row in record["history"]] == [1]
    model = calls[0][0][0]  # trained in place
    logs = plain_answers(model, SETS["test"].images)
    assert np.array_equal(arrays["test_predicted"], logs.argmax(axis=1))
    of_label = logs[np.arange(40), SETS["test"].labels.numpy()]
    np.testing.assert_allclose(arrays["test_log_prob"], of_label, rtol=2e-3, atol=2e-3)
    part = ladder.training_part(SETS["train"])
    logs = plain_answers(model, part.images)
    of_label = logs[np.arange(len(part)), part.labels.numpy()]
    np.testing.assert_allclose(arrays["train_log_prob"], of_label, rtol=2e-3, atol=2e-3)
    assert train(member, tmp_path)[2] == "loaded"


def test_features_are_computed_once_for_all_seeds(tmp_path, monkeypatch):
    member = short("frozen-64")
    monkeypatch.setattr(
        ladder, "start_of", lambda member, train, *, seed: small_start(member, train, seed=0)
    )
    calls = rounds_of_fit(monkeypatch, transfer, "features_on_device")
    train(member, tmp_path)
    assert [options["mirrored"] for _, options in calls] == [True, False, False]
    train(member, tmp_path, seed=1)
    assert len(calls) == 3


@pytest.mark.fault("results of another run")
def test_features_of_other_images_are_not_taken(tmp_path):
    member = short("frozen-64")
    train(member, tmp_path)
    sets = sets_with("test")
    anew, _, how = train(member, tmp_path, sets=sets)
    assert how == "computed"
    ladder.answers_file(member, 0).unlink()
    fresh, _, _ = train(member, tmp_path, sets=sets, state="fresh")
    assert np.array_equal(anew["test_log_prob"], fresh["test_log_prob"])


def test_training_images_are_the_first_of_the_stratified_order(monkeypatch):
    monkeypatch.setattr(ladder, "TRAIN_IMAGES", 50)
    labels = torch.arange(200) % 10
    images = dataclasses.replace(squares(200, seed=0), labels=labels)
    part = ladder.training_part(images)
    assert part.labels.bincount(minlength=10).tolist() == [5] * 10
    numbers = {image.numpy().tobytes(): k for k, image in enumerate(images.images)}
    chosen = [numbers[image.numpy().tobytes()] for image in part.images]
    assert len(set(chosen)) == 50 and chosen != sorted(chosen)
    assert torch.equal(part.labels, labels[chosen])
    monkeypatch.setattr(ladder, "TRAIN_IMAGES", 100)
    more = ladder.training_part(images)
    assert torch.equal(more.images[:50], part.images)  # a beginning of the same order
    monkeypatch.setattr(ladder, "TRAIN_IMAGES", 1000)
    assert len(ladder.training_part(images)) == 200


def made_answers():
    """Answers of which labels are in no order and every class is right at least once."""
    rng = np.random.default_rng(0)
    labels = np.concatenate([np.arange(10), rng.integers(0, 10, 190)]).astype(np.uint8)
    wrong = rng.random(200) < 0.4
    wrong[:10] = False
    predicted = np.where(wrong, rng.integers(0, 10, 200), labels).astype(np.uint8)
    return {"val_labels": labels, "val_predicted": predicted}


def test_recall_is_that_of_scikit_learn():
    arrays = made_answers()
    expected = recall_score(arrays["val_labels"], arrays["val_predicted"], average=None)
    recall = follow_ups.recall_by_class(arrays["val_predicted"], arrays["val_labels"])
    assert recall == pytest.approx(expected)
    assert len(set(expected)) > 5


def answers_with(confusion):
    """(labels, answers) of which the counts (true, answered) are a matrix."""
    labels = []
    answers = []
    for (true, answered), count in np.ndenumerate(np.array(confusion)):
        labels += [true] * count
        answers += [answered] * count
    return np.array(labels, dtype=np.uint8), np.array(answers, dtype=np.uint8)


@pytest.mark.parametrize(
    ("confusion", "pair"),
    [
        # 5 for 3 and 4 for the reverse are more than the single largest count
        ([[9, 7, 0, 0], [0, 9, 0, 0], [0, 0, 9, 5], [0, 0, 4, 9]], (2, 3)),
        ([[9, 0, 0, 3], [1, 90, 2, 0], [1, 0, 9, 2], [3, 0, 2, 9]], (0, 3)),
        ([[1, 0, 0, 0], [8, 1, 0, 0], [0, 0, 1, 7], [0, 0, 0, 1]], (0, 1)),
    ],
)
def test_the_confused_pair_is_taken_for_each_other_most_often_either_way(confusion, pair):
    labels, answers = answers_with(confusion)
    assert follow_ups.confused_pair_of(answers, labels) == pair


def test_the_confused_pair_is_that_of_scikit_learns_matrix():
    arrays = made_answers()
    counts = confusion_matrix(arrays["val_labels"], arrays["val_predicted"])
    sums = {(i, j): counts[i, j] + counts[j, i] for i in range(10) for j in range(i + 1, 10)}
    first, second = follow_ups.confused_pair_of(arrays["val_predicted"], arrays["val_labels"])
    assert first < second and sums[first, second] == max(sums.values())


def test_the_likeliest_fifth_of_the_pair_gives_way_to_the_most_unlikely():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, 300)
    log_prob = -rng.exponential(size=300)
    chosen = follow_ups.hard_order(labels, log_prob, (1, 3))
    assert chosen.shape == (300,) and np.array_equal(labels[chosen], labels)
    others = ~np.isin(labels, (1, 3))
    assert np.array_equal(chosen[others], np.arange(300)[others])
    for label in (1, 3):
        inside = sorted(np.flatnonzero(labels == label), key=lambda k: log_prob[k])
        count = round(len(inside) / 5)
        taken = list(chosen[labels == label])
        for image in inside[:count]:
            assert taken.count(image) == 2
        for image in inside[count:-count]:
            assert taken.count(image) == 1
        for image in inside[-count:]:
            assert taken.count(image) == 0
        assert count > 5


def test_images_that_keep_their_place_keep_their_number():
    labels = np.array([0] * 10 + [1] * 10)
    log_prob = np.linspace(-2, -1, 20)
    chosen = follow_ups.hard_order(labels, log_prob, (0, 1))
    expected = [0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 16, 17, 10, 11]
    assert chosen.tolist() == expected


def test_of_two_images_of_a_class_none_gives_way():
    chosen = follow_ups.hard_order(np.array([0, 0, 1, 1]), np.array([-1.0, -2, -3, -4]), (0, 1))
    assert chosen.tolist() == [0, 1, 2, 3]


def follow_up(name, tmp_path, monkeypatch, *, seed=0):
    """(training images, second round) of a follow-up, and the baseline's answers it learns from."""
    baseline, _, _ = train(BASELINE, tmp_path, seed=seed)
    calls = rounds_of_fit(monkeypatch, transfer, "fit_in_two_phases")
    member = dataclasses.replace(short(name), shifted=False)
    _, _, how = train(member, tmp_path, seed=seed)
    assert how == "computed" and len(calls) == 1
    (_, images, _), options = calls[0]
    assert options["frozen"] == ladder.seeded(BASELINE, seed)[0]
    return images, options["unfrozen"], baseline


@pytest.fixture
def answered(monkeypatch):
    """A baseline that answers as a matrix says, whatever it has learnt."""
    labels = SETS["val"].labels.numpy()
    predicted = labels.copy()
    for label in range(10):
        wrong = np.flatnonzero(labels == label)[: label % 3]
        predicted[wrong] = (label + 1) % 10
    answers_of = ladder.answers_of

    def made(logits, asked):
        arrays = answers_of(logits, asked)
        arrays["val_predicted"] = predicted.astype(np.uint8)
        return arrays

    monkeypatch.setattr(ladder, "answers_of", made)
    return predicted


def test_the_loss_is_weighted_by_the_baselines_validation_recall(tmp_path, monkeypatch, answered):
    images, second, _ = follow_up("weighted-64", tmp_path, monkeypatch)
    labels = SETS["val"].labels.numpy()
    both = np.r_[np.arange(10), np.arange(10)]  # one right and one wrong answer for each class
    answers = np.r_[np.arange(10), (np.arange(10) + 1) % 10]
    recall = recall_score(np.r_[labels, both], np.r_[answered, answers], average=None)
    assert len(set(recall)) > 3
    weights = np.array(second.class_weights)
    assert weights * recall == pytest.approx(weights[0] * recall[0])  # in proportion to 1 / recall
    assert weights.mean() == pytest.approx(1)
    assert images.checksum() == ladder.training_part(SETS["train"]).checksum()
    plain = dataclasses.replace(second, class_weights=())
    assert plain == ladder.seeded(BASELINE, 0)[1]


def test_hard_examples_are_those_of_the_baseline_of_the_same_seed(tmp_path, monkeypatch, answered):
    other, _, _ = train(BASELINE, tmp_path, seed=0)
    images, second, baseline = follow_up("hard-64", tmp_path, monkeypatch, seed=1)
    part = ladder.training_part(SETS["train"])
    pair = follow_ups.confused_pair_of(answered, SETS["val"].labels.numpy())
    labels = part.labels.numpy()
    assert second == ladder.seeded(BASELINE, 1)[1]
    assert torch.equal(images.labels, part.labels)
    expected = follow_ups.hard_order(labels, baseline["train_log_prob"], pair)
    assert torch.equal(images.images, part.images[torch.from_numpy(expected)])
    of_other_seed = follow_ups.hard_order(labels, other["train_log_prob"], pair)
    assert not np.array_equal(expected, of_other_seed)
    assert (expected != np.arange(len(labels))).sum() > 2


def test_training_images_are_asked_about_as_they_are(tmp_path, monkeypatch, answered):
    train(BASELINE, tmp_path)
    member = dataclasses.replace(short("hard-64"), shifted=False)
    arrays, _, model = trained_model(monkeypatch, member, tmp_path)
    part = ladder.training_part(SETS["train"])
    logs = plain_answers(model, part.images)
    of_label = logs[np.arange(len(part)), part.labels.numpy()]
    np.testing.assert_allclose(arrays["train_log_prob"], of_label, rtol=2e-3, atol=2e-3)


@pytest.mark.fault("missing files and data")
@pytest.mark.parametrize("name", ["weighted-64", "hard-64"])
def test_without_its_baseline_a_follow_up_says_what_is_missing(name, tmp_path):
    train(BASELINE, tmp_path, seed=1)
    with pytest.raises(FileNotFoundError, match=r"transfer-tuned-64-s0\.npz"):
        train(short(name), tmp_path)
    assert not ladder.answers_file(short(name), 0).exists()


@pytest.mark.fault("results of another run")
def test_a_baseline_that_was_trained_on_other_images_teaches_nothing(tmp_path):
    train(BASELINE, tmp_path, sets=sets_with("train"))
    with pytest.raises(ValueError, match="tuned-64"):
        train(dataclasses.replace(short("hard-64"), shifted=False), tmp_path)


def test_weights_are_finite_where_a_class_is_never_right(tmp_path):
    labels = np.arange(10).repeat(3)
    answers = np.where(labels == 4, 5, labels)
    path = profiles.FULL.results / "transfer-tuned-64-s0.npz"
    arrays = {"val_labels": labels.astype(np.uint8), "val_predicted": answers.astype(np.uint8)}
    files.save_arrays(path, arrays, made={"train": SETS["train"].checksum()})
    member = short("weighted-64")
    with np.errstate(all="ignore"):
        _, rounds = follow_ups.learn_from_baseline(
            member, 0, SETS["train"], ladder.seeded(member, 0)
        )
    assert np.isfinite(rounds[1].class_weights).all()


@pytest.mark.fault("interrupted run")
def test_an_interrupted_network_is_trained_on_from_its_state(tmp_path, monkeypatch):
    unbroken, _, _ = train(BASELINE, tmp_path)
    ladder.answers_file(BASELINE, 0).unlink()
    ask = ladder.ask

    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(ladder, "ask", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(BASELINE, tmp_path)
    folder = tmp_path / "state" / "transfer-tuned-64-s0"
    assert sorted(path.name for path in folder.iterdir()) == ["head.pt", "whole.pt"]
    monkeypatch.setattr(ladder, "ask", ask)
    resumed, _, _ = train(BASELINE, tmp_path)
    assert all(np.array_equal(unbroken[name], resumed[name]) for name in unbroken)
    assert not folder.exists()


@pytest.fixture(scope="module")
def start_of():
    """`start_of` as it is, before `small_and_apart` puts a narrow one in its place."""
    return ladder.start_of


def test_a_network_from_scratch_has_cifar10s_statistics(start_of):
    member = Member(name="n", words="w", pretrained=False, side=96, resizing="bicubic")
    first, name = start_of(member, SETS["train"], seed=4)
    other, _ = start_of(member, SETS["train"], seed=5)
    mean, std = data.CHANNEL_STATS["cifar10"]
    assert name == "none" and (first.side, first.resizing) == (96, "bicubic")
    assert first.mean.flatten().tolist() == pytest.approx(mean)
    assert first.std.flatten().tolist() == pytest.approx(std)
    assert first.fc.out_features == 10
    assert not torch.equal(first.conv1.weight, other.conv1.weight)


def test_a_pretrained_network_has_the_weights_and_statistics_for_its_norms(start_of, monkeypatch):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        weights = torchvision.models.resnet18(num_classes=3).state_dict()
    asked = []

    def load(arch):
        asked.append(arch)
        return weights, "trunk"

    monkeypatch.setattr(data, "load_imagenet_weights", load)
    monkeypatch.setattr(ladder, "NORM_IMAGES", 8)
    member = Member(name="n", words="w", side=32)
    model, name = start_of(member, SETS["train"], seed=0)
    assert name == "trunk" and asked == ["resnet18"]
    assert torch.equal(model.layer2[0].conv1.weight, weights["layer2.0.conv1.weight"])
    images = SETS["train"].images[:8].float() / 255
    mean = torch.tensor(transfer.MEAN).view(3, 1, 1)
    std = torch.tensor(transfer.STD).view(3, 1, 1)
    with torch.no_grad():
        stem = torch.nn.functional.conv2d(
            (images - mean) / std, weights["conv1.weight"], stride=2, padding=3
        )
    torch.testing.assert_close(model.bn1.running_mean, stem.mean((0, 2, 3)), rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(model.bn1.running_var, stem.var((0, 2, 3)), rtol=1e-3, atol=1e-5)
    head = transfer.pretrained("imagenet_resnet18", weights, num_classes=10, side=32, seed=0).fc
    assert torch.equal(model.fc.weight, head.weight)
