"""Networks with the normalisation inside, the one training loop, prediction, checkpoints."""

from visionfail.models.answers import (
    check_logits_finite,
    check_no_probabilities,
    check_same_answers,
)
from visionfail.models.anybody import (
    check_classes,
    check_module,
    class_numbers,
    device_of,
    first_line,
    input_dtype,
    input_layout,
    logits_of,
    model_from,
    model_input,
    own_logits,
    pass_error,
    unwrapped,
    whole_number,
)
from visionfail.models.augmentation import augment, to_float
from visionfail.models.checkpoints import checkpoint_files, rounded_to_half, save_checkpoint
from visionfail.models.checkpoints import load_checkpoint as load
from visionfail.models.layers import (
    channel_axis,
    check_hookable,
    check_run_once,
    describe_output,
    layer_named,
)
from visionfail.models.modes import evaluating, frozen
from visionfail.models.networks import (
    DenseNet121,
    ImageNetResNet18,
    ResNet18,
    build,
    multiply_adds,
    stages,
)
from visionfail.models.optimizer import learning_rate
from visionfail.models.predict import (
    as_float,
    check_model_input,
    check_pass,
    choose_dtype,
    fold_norms,
    predict,
    seconds_per_image,
)
from visionfail.models.recipes import EXAMINED
from visionfail.models.rounds import check_can_save, config_fields, save_trained
from visionfail.models.train_config import TrainConfig
from visionfail.models.training import TrainingRun, fit, train_epoch, train_step
from visionfail.models.zoo import (
    available_networks,
    checkpoint_name,
    cifar10_classifier,
    cifar10_sets,
    grouped_classifier,
    grouped_sets,
    sets_of_profile,
    trained_networks,
)

__all__ = [
    "EXAMINED",
    "DenseNet121",
    "ImageNetResNet18",
    "ResNet18",
    "TrainConfig",
    "TrainingRun",
    "as_float",
    "augment",
    "available_networks",
    "build",
    "channel_axis",
    "check_can_save",
    "check_classes",
    "check_hookable",
    "check_logits_finite",
    "check_model_input",
    "check_module",
    "check_no_probabilities",
    "check_pass",
    "check_run_once",
    "check_same_answers",
    "checkpoint_files",
    "checkpoint_name",
    "choose_dtype",
    "cifar10_classifier",
    "cifar10_sets",
    "class_numbers",
    "config_fields",
    "describe_output",
    "device_of",
    "evaluating",
    "first_line",
    "fit",
    "fold_norms",
    "frozen",
    "grouped_classifier",
    "grouped_sets",
    "input_dtype",
    "input_layout",
    "layer_named",
    "learning_rate",
    "load",
    "logits_of",
    "model_from",
    "model_input",
    "multiply_adds",
    "own_logits",
    "pass_error",
    "predict",
    "rounded_to_half",
    "save_checkpoint",
    "save_trained",
    "seconds_per_image",
    "sets_of_profile",
    "stages",
    "to_float",
    "train_epoch",
    "train_step",
    "trained_networks",
    "unwrapped",
    "whole_number",
]
