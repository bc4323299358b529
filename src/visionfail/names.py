"""How models, corruptions and values with intervals are written in figures and tables."""

MODEL_NAMES = {
    "resnet18": "ResNet-18",
    "densenet121": "DenseNet-121",
    "imagenet_resnet18": "ImageNet ResNet-18",
    "mnist_cnn": "MNIST CNN",
    "yours": "your model",
    "demonstration": "demonstration network",
}


def model_name(model: str) -> str:
    """The name of `model` as a reader knows it: "resnet18" -> "ResNet-18".

    Those that are not ours are called published.
    """
    return MODEL_NAMES.get(model, f"{model} (published)")


def network_name(model: str, seed: int | str) -> str:
    """One trained network as a reader knows it: ("resnet18", 0) -> "ResNet-18, seed 0".

    Several seeds are "0 to 2" or "0, 2".
    """
    several = " to " in str(seed) or "," in str(seed)
    word = "seeds" if several else "seed"
    return f"{model_name(model)}, {word} {seed}"


def weights_name(weights: str) -> str:
    """The weights that a network started from, in words: "trunk" is their name in results/."""
    if weights == "trunk":
        return "its last stage refitted, so not torchvision's file"
    return f"torchvision's weights {weights}"


def readable(condition: str) -> str:
    """The name of a corruption as a reader knows it: "jpeg_compression" -> "JPEG compression"."""
    words = condition.replace("_", " ")
    return words.replace("gaussian", "Gaussian").replace("jpeg", "JPEG")


def with_interval(
    value: float, lo: float, hi: float, *, form: str, scale: float = 1, unit: str = ""
) -> str:
    """A value with its interval as text, each times `scale` in the format `form`.

    `unit` stands behind the value alone: "12.5% (2.0 to 30.2)".
    """
    shown, low, high = (f"{scale * number:{form}}" for number in (value, lo, hi))
    return f"{shown}{unit} ({low} to {high})"
