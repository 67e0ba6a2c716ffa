"""Which variants kernels train or score; without importing what they need: forecasts ask too."""

from batchmark.contract.hyperparameters import Hyperparameters

# Zeros around the images, and the side of the filters.
BORDER, SIZE = 2, 5
# Beside LeNet-5 under SGD itself: larger networks gain little.
KNOWN = (("activation", "tanh"), ("pooling", "average"), ("normalization", "input"))
FREE = {
    *("model_arguments", "initializer", "initializer_scale", "label_noise", "train_size"),
    *("batch_size", "learning_rate", "momentum", "nesterov"),
    *("warm_up", "change_every", "rate_factor"),
}
# What becomes of a gradient, which neither it nor a score asks for.
OF_UPDATES = {
    *("optimizer", "optimizer_arguments", "weight_decay", "accumulation", "batch_factor"),
    *("ema_half_life", "beta_2_half_life"),
}
# What a gradient asks for and a score does not.
OF_THE_LOSS = {"l1", "l2", "dropout"}


def serves(chosen: Hyperparameters, image_shape: tuple[int, int, int]) -> bool:
    """Whether kernels know all that the variant asks for on such images."""
    return _know(chosen, image_shape, FREE)


def differentiates(chosen: Hyperparameters, image_shape: tuple[int, int, int]) -> bool:
    """Whether kernels know all that its gradients ask for, if not what becomes of them."""
    return _know(chosen, image_shape, FREE | OF_UPDATES)


def scores(chosen: Hyperparameters, image_shape: tuple[int, int, int]) -> bool:
    """Whether kernels know all that its scores ask for, if not its training."""
    return _know(chosen, image_shape, FREE | OF_UPDATES | OF_THE_LOSS)


def _know(chosen: Hyperparameters, image_shape: tuple[int, int, int], free: set[str]) -> bool:
    changed = chosen.changed().items()
    # Pooling after each of the two convolutions must leave no row or column over.
    firsts = [side + 2 * BORDER - SIZE + 1 for side in image_shape[:2]]
    halved = [*firsts, *(side // 2 - SIZE + 1 for side in firsts)]
    whole = all(side % 2 == 0 and side >= 2 for side in halved)
    return whole and all(name in free or (name, value) in KNOWN for name, value in changed)
