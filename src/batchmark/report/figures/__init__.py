"""One module a topic, one function a figure: `name(tables) -> Drawn | None`, None without data."""
