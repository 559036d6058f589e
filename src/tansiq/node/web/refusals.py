"""An error of the tree, told in the form that caused it: at its field where it names one, above the form otherwise."""

from __future__ import annotations

from collections.abc import Mapping

from django import forms

from tansiq.engine.errors import Corrupt, TansiqError, Unavailable
from tansiq.node.web import words
from tansiq.node.web.languages import language_now
from tansiq.node.wording import sentence


def tell_in_form(form: forms.Form, error: TansiqError, places: Mapping[str, str] | None = None) -> None:
    """Add the error's sentence to ``form``; ``places`` maps JSON pointers to field names where they differ.

    What no form can put right (Unavailable, Corrupt) is raised again.
    """
    if isinstance(error, Unavailable | Corrupt):
        raise error
    at = str(error.facts.get("at") or "")
    name = (places or {}).get(at) or at.rpartition("/")[2]
    facts = words.with_names(error.facts, words.node_names())
    said = sentence(error.code, facts, language_now(), isolate=True)
    form.add_error(name if name in form.fields else None, said)
