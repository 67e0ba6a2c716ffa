"""One module a figure: `draw(tables) -> Drawn | None`, None when its data were not measured."""
