"""What the command lines of all stages have in common: errors in one sentence."""

import sys
from collections.abc import Callable

from batchmark.contract.errors import UserError
from batchmark.machine.garbage import collect_seldom


def run(main: Callable[[], None]) -> None:
    """Run a stage; what the user can mend ends as one line on stderr and exit status 1."""
    collect_seldom()
    try:
        main()
    except UserError as error:
        sys.exit(f"batchmark: {error}")
    except OSError as error:
        # A full disk, a read-only or removed folder: nothing a traceback would explain better.
        sys.exit(f"batchmark: {error.filename or 'a file'}: {error.strerror or error}.")
