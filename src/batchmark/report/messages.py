"""Sentences that code writes for the reader: English with named fields, translatable later."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Translate = Callable[[str], str]


@dataclass(frozen=True)
class Message:
    """An English text with `{named}` fields: texts, other messages, or what formats itself."""

    text: str
    fields: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.told(str)

    def told(self, translate: Translate) -> str:
        """The text in the language of `translate`, which maps English texts to that language."""
        told = {name: _told(value, translate) for name, value in self.fields.items()}
        return translate(self.text).format(**told) if told else translate(self.text)

    def to_json(self) -> dict[str, Any]:
        """Plain containers for JSON; `from_json` is the inverse."""
        plain = {
            name: value.to_json() if isinstance(value, Message) else value
            for name, value in self.fields.items()
        }
        return {"text": self.text, "fields": plain}


def say(text: str, **fields: "str | int | Message") -> Message:
    """A message. Translators' tools find its text by this function's name."""
    kept = {k: v if isinstance(v, Message) else str(v) for k, v in fields.items()}
    return Message(text, kept)


def from_json(content: Mapping[str, Any]) -> Message:
    """The message that `Message.to_json` wrote."""
    fields = {
        name: from_json(value) if isinstance(value, dict) else str(value)
        for name, value in content["fields"].items()
    }
    return Message(content["text"], fields)


def _told(value: object, translate: Translate) -> object:
    return value.told(translate) if isinstance(value, Message) else value
