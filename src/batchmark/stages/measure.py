"""A measuring process of a timing session, which asks it on standard input: see `Worker`."""

from batchmark.stages import command


def main() -> None:
    """Work until the session ends it."""
    from batchmark.timing.process import work  # noqa: PLC0415

    work()


def preload(_: list[str]) -> None:
    """Import what every such process on a processor needs, before it is forked."""
    command.import_sessions()


if __name__ == "__main__":
    command.run(main)
