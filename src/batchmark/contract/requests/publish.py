"""What `publish` is asked for."""

from batchmark.contract.requests.message import Request


class PublishRequest(Request):
    """Where the site goes: a branch of a git remote, whose address may hold a password."""

    remote: str
    branch: str
