"""A person at a node's pages, without a screen: opens pages, reads forms as they are, fills them in and sends them.

It knows no more than a browser does: addresses, forms, fields, redirects, cookies. What a page does not offer cannot be sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx


class NotOffered(RuntimeError):
    """The page has no such form, field or choice, or refused what was sent; the message says which and what it said."""


@dataclass
class Form:
    """A form on a page: where it goes, what it holds, and which buttons it has."""

    action: str = ""
    method: str = "get"
    values: dict[str, list[str]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    choices: dict[str, set[str]] = field(default_factory=dict)
    said: dict[str, dict[str, str]] = field(default_factory=dict)
    """What each choice of a list is called."""


class _Reader(HTMLParser):
    """Collects the forms of a page, and the words a person would read."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.words: list[str] = []
        self.links: list[str] = []
        self._form: Form | None = None
        self._select: str | None = None
        self._option: str | None = None
        self._text: str | None = None
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag in {"script", "style", "template"}:
            self._hidden += 1
        if tag == "a" and told.get("href"):
            self.links.append(told["href"])
        if tag == "form":
            self._form = Form(told.get("action", ""), told.get("method", "get").lower())
            self.forms.append(self._form)
        if self._form is not None and not self._hidden:  # what stands in a template is no field yet
            self._field(self._form, tag, told)

    def _field(self, form: Form, tag: str, told: dict[str, str]) -> None:
        name = told.get("name", "")
        if tag == "select":
            self._select = name
            form.names.add(name)
        elif tag == "option" and self._select:
            form.choices.setdefault(self._select, set()).add(told.get("value", ""))
            self._option = told.get("value", "")
            if "selected" in told:
                form.values.setdefault(self._select, []).append(told.get("value", ""))
        elif tag == "textarea" and name:
            self._text = name
            form.names.add(name)
            form.values[name] = [""]
        elif tag in {"input", "button"} and name:
            form.names.add(name)
            kind = told.get("type", "text" if tag == "input" else "submit")
            if kind in {"checkbox", "radio", "submit"}:
                form.choices.setdefault(name, set()).add(told.get("value", "on"))
            if kind in {"checkbox", "radio"} and "checked" not in told:
                return
            if kind not in {"submit", "button", "file"}:
                usual = "on" if kind in {"checkbox", "radio"} else ""
                form.values.setdefault(name, []).append(told.get("value", usual))

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style", "template"}:
            self._hidden -= 1
        elif tag == "form":
            self._form = None
        elif tag == "option":
            self._option = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea":
            self._text = None

    def handle_data(self, data: str) -> None:
        if self._form and self._select and self._option is not None:
            said = self._form.said.setdefault(self._select, {})
            said[self._option] = said.get(self._option, "") + data
        if self._text and self._form:
            self._form.values[self._text] = [self._form.values[self._text][0] + data.lstrip("\n")]
        elif not self._hidden and data.strip():
            self.words.append(" ".join(data.split()))


@dataclass
class Page:
    """A page as it came: its address, its words, its forms and links."""

    url: str
    status: int
    text: str
    forms: list[Form]
    links: list[str]

    def form(self, action: str = "", *, having: str = "") -> Form:
        """The form whose action contains ``action`` and that has a field ``having``."""
        for one in self.forms:
            if action in (one.action or self.url) and (not having or having in one.names):
                return one
        raise NotOffered(f"no form {action!r} with {having!r} on {self.url}: {self.text[:600]}")


class Person:
    """One officer with a browser, signed in at one node."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self.url = url
        self.username = username
        self.http = httpx.Client(base_url=url, follow_redirects=True, timeout=30, trust_env=False)
        page = self.open("/accounts/login/")
        done = self.send(page, page.form(having="password"), login=username, password=password)
        if "/accounts/login" in done.url:
            raise NotOffered(f"{username} could not sign in: {done.text[:400]}")

    def open(self, address: str) -> Page:
        """Open a page; an answer of 4xx or 5xx is an error."""
        page = self._page(self.http.get(address))
        if page.status >= 400:
            raise NotOffered(f"{address} answered {page.status}: {page.text[:600]}")
        return page

    def send(
        self,
        page: Page,
        form: Form,
        *,
        may_fail: bool = False,
        files: Mapping[str, tuple[str, bytes]] | None = None,
        **given: Any,
    ) -> Page:
        """Fill the form in and send it; a field or choice that is not offered, or a refusal, is an error.

        ``files`` are what is chosen in the fields for files: by field, the name and the bytes.
        """
        values = {name: list(held) for name, held in form.values.items()}
        for name, value in given.items():
            if name not in form.names:
                raise NotOffered(f"{page.url} has no field {name!r}, but {sorted(form.names)}")
            wanted = [str(v) for v in value] if isinstance(value, (list, tuple)) else [str(value)]
            offered = form.choices.get(name)
            if offered and not set(wanted) <= offered:
                raise NotOffered(f"{page.url}: {name} offers {sorted(offered)[:40]}, not {wanted}")
            values[name] = wanted
        answer = self.http.request(
            form.method.upper(),
            form.action or page.url,
            data=values,
            files=files,
            headers={"referer": page.url, "origin": self.url},
        )
        done = self._page(answer)
        if done.status >= 400 and not may_fail:
            raise NotOffered(f"{done.url} answered {done.status}: {done.text[:1500]}")
        return done

    def _page(self, answer: httpx.Response) -> Page:
        reader = _Reader()
        reader.feed(answer.text)
        return Page(str(answer.url), answer.status_code, " ".join(reader.words), reader.forms, reader.links)
