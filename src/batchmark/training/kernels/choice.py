"""Which variants kernels serve; without importing what they need, since forecasts ask too."""

from batchmark.contract.hyperparameters import Hyperparameters

# Zeros around the images, and the side of the filters. Larger networks gain little.
MODEL, BORDER, SIZE = "lenet5", 2, 5
# What the kernels follow, or what they need not know.
FREE = {
    *("model", "model_arguments", "activation", "pooling", "initializer", "initializer_scale"),
    *("optimizer", "learning_rate", "momentum", "nesterov", "batch_size", "train_size"),
    *("normalization", "warm_up", "change_every", "rate_factor", "label_noise"),
}


def serves(chosen: Hyperparameters, image_shape: tuple[int, int, int]) -> bool:
    """Whether kernels know all that the variant asks for on such images."""
    known = chosen.model == MODEL and chosen.optimizer == "sgd" and {*chosen.changed()} <= FREE
    return known and chosen.normalization in ("none", "input") and _halves(image_shape)


def _halves(image_shape: tuple[int, int, int]) -> bool:
    """Whether pooling after each of two convolutions leaves no row or column over."""
    firsts = [side + 2 * BORDER - SIZE + 1 for side in image_shape[:2]]
    seconds = [side // 2 - SIZE + 1 for side in firsts]
    return all(side % 2 == 0 and side >= 2 for side in firsts + seconds)
