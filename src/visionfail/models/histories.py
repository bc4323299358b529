"""Histories of training: a row per epoch, round after round."""


def join_histories(history: list[dict], added: list[dict]) -> list[dict]:
    """The history of the rounds so far with that of one more, its epochs counted on."""
    joined = list(history)
    for epoch_row in added:
        row = dict(epoch_row)
        row["epoch"] = len(history) + epoch_row["epoch"]
        joined.append(row)
    return joined
