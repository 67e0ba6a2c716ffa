"""One module a model: `build(blueprint, **arguments) -> keras.Model` that ends in logits."""
