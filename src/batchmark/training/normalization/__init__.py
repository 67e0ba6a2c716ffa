"""One module a normalization.

`layer(name, channels)`: the layer before each activation, or None. `pixels(images)`: the mean and
the divisor that turn uint8 pixels into the network's input.
"""
