"""Models and families of them: `name(blueprint, **arguments) -> keras.Model`, ends in logits."""
