"""View models and templates to one HTML file that asks nobody for anything."""

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from batchmark.report.page.view import Page
from batchmark.report.translation import Language


def rendered(page: Page, language: Language, templates: Path) -> str:
    """The page as HTML, its style and script inside it and allowed by their digests only."""
    style = (templates / "style.css").read_text(encoding="utf-8")
    script = (templates / "script.js").read_text(encoding="utf-8")
    environment = _environment(templates, language)
    return environment.get_template("page.html").render(
        page=page,
        style=_inline(style),
        script=_inline(script),
        policy=_policy(style, script),
    )


def _environment(templates: Path, language: Language) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        language.text, lambda one, many, n: language.text(one if n == 1 else many), newstyle=False
    )
    return environment


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _inline(text: str) -> Markup:
    """Text for a style or script element, which must not be able to end it."""
    if "</" in text:
        raise ValueError("an inlined file holds '</', which would end its element")
    return Markup(text)  # noqa: S704 (our own style sheet and script)
