"""What a follow-up learns from its baseline's answers: weights of the loss, hard examples."""

import dataclasses

import numpy as np
import torch

from visionfail import files, metrics
from visionfail.data import ImageSet
from visionfail.models.train_config import TrainConfig
from visionfail.studies import stored
from visionfail.studies.transfer.recipes import BASELINE, Member, answers_file, members

HARD_SHARE = 0.2  # of the most confused pair's training images


def learn_from_baseline(
    member: Member, seed: int, train: ImageSet, rounds: list[TrainConfig]
) -> tuple[ImageSet, list[TrainConfig]]:
    """(training images, rounds) as the baseline of the same seed teaches a follow-up.

    "weights": a class counts 1 / its validation recall in the loss of the second phase. "hard": the
    most unlikely HARD_SHARE of the training images of the pair most confused on validation data
    take the places of the likeliest. Others stay as they are.
    """
    if not member.learns_from:
        return train, rounds
    arrays, _ = baseline_answers(seed, train)
    if member.learns_from == "weights":
        weights = loss_weights(arrays["val_predicted"], arrays["val_labels"])
        second = dataclasses.replace(rounds[1], class_weights=tuple(weights.tolist()))
        return train, [rounds[0], second]
    pair = confused_pair_of(arrays["val_predicted"], arrays["val_labels"])
    chosen = hard_order(train.labels.numpy(), arrays["train_log_prob"], pair)
    return train.at(torch.from_numpy(chosen)), rounds


def baseline_answers(seed: int, train: ImageSet) -> tuple[stored.Arrays, dict]:
    """(answers, record) of the baseline of a seed, trained on the same images.

    FileNotFoundError where they are not stored, ValueError where it was trained on others.
    """
    path = answers_file(members()[BASELINE], seed)
    if not path.exists():
        raise FileNotFoundError(f"no {path.name}: train {BASELINE} with seed {seed} first.")
    arrays, record = files.load_arrays(path)
    if record["train"] != train.checksum():
        raise ValueError(
            f"{BASELINE} with seed {seed} was trained on other images than these: train it anew."
        )
    return arrays, record


def loss_weights(predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """1 / recall of each class, mean 1, (K,); one right and one wrong answer are added to each."""
    classes = np.unique(labels)
    right = np.array([(predicted[labels == label] == label).sum() for label in classes])
    n = np.array([(labels == label).sum() for label in classes])
    inverse = (n + 2) / (right + 1)
    return inverse / inverse.mean()


def recall_by_class(predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The recall of each class, (K,), of answers (N,)."""
    right = predicted == labels
    return np.array([right[labels == label].mean() for label in np.unique(labels)])


def confused_pair_of(predicted: np.ndarray, labels: np.ndarray) -> tuple[int, int]:
    """The two classes taken for each other most often."""
    classes = int(labels.max()) + 1
    confusion = metrics.confusion_matrix(predicted, labels, num_classes=classes)
    both = np.triu(confusion + confusion.T, k=1)
    first, second = np.unravel_index(both.argmax(), both.shape)
    return int(first), int(second)


def hard_order(labels: np.ndarray, log_prob: np.ndarray, pair: tuple[int, int]) -> np.ndarray:
    """Numbers of the images to train on, (N,): in each class of `pair` the likeliest HARD_SHARE
    are replaced by the most unlikely.
    """
    chosen = np.arange(len(labels))
    for label in pair:
        of_class = np.flatnonzero(labels == label)
        by_likelihood = of_class[np.argsort(log_prob[of_class], kind="stable")]
        count = round(HARD_SHARE * len(of_class))
        chosen[by_likelihood[len(of_class) - count :]] = by_likelihood[:count]
    return chosen
