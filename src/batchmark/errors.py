"""The one exception that is meant for the person who runs batchmark."""

import re

_USER_OF_ADDRESS = re.compile(r"(?<=://)[^/\s'\"]*@")


def without_passwords(text: str) -> str:
    """`text` with addresses that have no user and password: logs are kept and shown to others."""
    return _USER_OF_ADDRESS.sub("", text)


class UserError(Exception):
    """A mistake or circumstance the user can act on; its text is one complete sentence.

    It is shown without passwords.
    """

    def __str__(self) -> str:
        return without_passwords(super().__str__())
