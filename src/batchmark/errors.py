"""The one exception that is meant for the person who runs batchmark."""


class UserError(Exception):
    """A mistake or circumstance the user can act on; its text is one complete sentence."""
