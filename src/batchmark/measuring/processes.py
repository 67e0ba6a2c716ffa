"""Work that needs a process of its own, because TensorFlow's switches hold for a whole process."""

import sys
import traceback
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, Self

from batchmark.errors import UserError
from batchmark.garbage import collect_seldom


class Worker:
    """A fresh process that builds an object and calls its methods on demand.

    It starts building at once; the first `ask` waits for that. It ends with the `with` block, and
    by itself when this process dies.
    """

    def __init__(self, build: Callable[..., Any], *arguments: Any) -> None:
        context = get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, build, arguments), daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, method: str, *arguments: Any) -> Any:
        """The answer of `method(*arguments)` in the other process.

        Raises UserError if the method does, or if the process has died of it.
        """
        try:
            self._connection.send((method, arguments))
            failed, answer = self._connection.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self._process.join()
            raise UserError(
                f"a measuring process ended with status {self._process.exitcode} in {method!r}; "
                "its message stands above, or memory ran out."
            ) from None
        if failed:
            raise UserError(answer)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process. Closing it again does nothing."""
        self._connection.close()
        self._process.kill()
        self._process.join()


def _serve(connection: Connection, build: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Answer until the other side hangs up. What the user can mend goes back as a sentence."""
    collect_seldom()
    try:
        served = build(*arguments)
        while True:
            method, values = connection.recv()
            connection.send(_answer(served, method, values))
    except (EOFError, KeyboardInterrupt):
        return
    except UserError as error:
        connection.recv()
        connection.send((True, str(error)))
    except Exception:
        traceback.print_exc()
        sys.exit(1)


def _answer(served: Any, method: str, values: tuple[Any, ...]) -> tuple[bool, Any]:
    try:
        return False, getattr(served, method)(*values)
    except UserError as error:
        return True, str(error)
