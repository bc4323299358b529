"""Transfer learning from ImageNet, told as OSEMN, each of its reasons judged."""

from visionfail.studies.transfer.answers import Asked, Trained, stored_networks
from visionfail.studies.transfer.backgrounds import Swapped, load_or_swap
from visionfail.studies.transfer.claims import (
    ALONE,
    CAVEATS,
    TRANSFER_CLAIMS,
    Found,
    would_decide,
)
from visionfail.studies.transfer.claims import judge_transfer as judge
from visionfail.studies.transfer.controls import controls_table
from visionfail.studies.transfer.duplicates import Nearest
from visionfail.studies.transfer.duplicates import load_or_find_duplicates as load_duplicates
from visionfail.studies.transfer.hypotheses import (
    accuracy_gained,
    of_ladder,
    of_objects,
    of_reference,
    rigid_minus_organic,
)
from visionfail.studies.transfer.interpretation import (
    confident_mistakes,
    donor_share,
    kept_on_shared,
    peak_table,
    shuffled_table,
    surest_mistakes,
    swap_table,
    votes_table,
)
from visionfail.studies.transfer.ladder import load_or_train
from visionfail.studies.transfer.masks import load_masks
from visionfail.studies.transfer.measures import accuracy_of, macro_f1
from visionfail.studies.transfer.recipes import DEEPER
from visionfail.studies.transfer.reference import load_or_ask_training
from visionfail.studies.transfer.robustness import (
    controlled_table,
    of_robustness,
    robustness_table,
)
from visionfail.studies.transfer.setup import (
    clean_answers,
    contamination_ledger,
    ladder_table,
    load_ladder,
    load_reference,
    load_reference_answers,
    load_second,
    rate_trace,
    reference_rung,
)
from visionfail.studies.transfer.setup import prepare_transfer as prepare
from visionfail.studies.transfer.shifts import shuffle_tiles
from visionfail.studies.transfer.spectra import detail_energy, spectra_by_resizing
from visionfail.studies.transfer.stored_rows import result_rows
from visionfail.studies.transfer.tables import (
    ablation_table,
    accuracy_by_epoch,
    accuracy_without,
    brightness_table,
    changes_table,
    darkening,
    hypotheses_table,
    log_ratio,
    mean_pictures,
    recall_table,
    resizing_table,
    values_table,
)

__all__ = [
    "ALONE",
    "CAVEATS",
    "DEEPER",
    "TRANSFER_CLAIMS",
    "Asked",
    "Found",
    "Nearest",
    "Swapped",
    "Trained",
    "ablation_table",
    "accuracy_by_epoch",
    "accuracy_gained",
    "accuracy_of",
    "accuracy_without",
    "brightness_table",
    "changes_table",
    "clean_answers",
    "confident_mistakes",
    "contamination_ledger",
    "controlled_table",
    "controls_table",
    "darkening",
    "detail_energy",
    "donor_share",
    "hypotheses_table",
    "judge",
    "kept_on_shared",
    "ladder_table",
    "load_duplicates",
    "load_ladder",
    "load_masks",
    "load_or_ask_training",
    "load_or_swap",
    "load_or_train",
    "load_reference",
    "load_reference_answers",
    "load_second",
    "log_ratio",
    "macro_f1",
    "mean_pictures",
    "of_ladder",
    "of_objects",
    "of_reference",
    "of_robustness",
    "peak_table",
    "prepare",
    "rate_trace",
    "recall_table",
    "reference_rung",
    "resizing_table",
    "result_rows",
    "rigid_minus_organic",
    "robustness_table",
    "shuffle_tiles",
    "shuffled_table",
    "spectra_by_resizing",
    "stored_networks",
    "surest_mistakes",
    "swap_table",
    "values_table",
    "votes_table",
    "would_decide",
]
