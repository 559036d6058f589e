"""The readers of foreign bytes, each as one function of bytes that may raise the error tree's errors and nothing else."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from tansiq.engine.accords.terms import read_terms
from tansiq.engine.blind import filters, group
from tansiq.engine.dossiers import entries
from tansiq.engine.dossiers.parts import Part
from tansiq.engine.entities.lists import read_csv_mapping, read_ftm, read_mapped_csv, read_un_list
from tansiq.engine.entities.lists.ofac_csv import read_ofac_csv
from tansiq.engine.entities.lists.ofac_enhanced import read_ofac_enhanced
from tansiq.engine.entities.lists.ofac_xml import read_ofac_xml
from tansiq.engine.envelopes import bodies, cards, receipts, revocations, sealing, words
from tansiq.engine.envelopes.age import HybridIdentity, armor, header
from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.envelopes.manifest import read_manifest
from tansiq.engine.errors import TansiqError
from tansiq.engine.formats import ansi_nist, canonical, expansion, media, strict_json
from tansiq.engine.formats.times import parse_time
from tansiq.engine.ledger import checkpoints
from tansiq.engine.names.dates import parse_date
from tansiq.engine.names.tokens import read_name

CORPUS = Path(__file__).parent / "corpus"
EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "protocol" / "examples" / "envelope.json"
Target = Callable[[bytes], object]


@cache
def example() -> dict[str, Any]:
    """The worked example of the protocol: cards, keys, an envelope."""
    return dict(json.loads(EXAMPLE.read_bytes()))


@cache
def _card() -> cards.NodeCard:
    return cards.open_card(Signed.from_json(example()["card"]), pinned_root=None)


@cache
def _identity() -> HybridIdentity:
    return HybridIdentity.from_text(corpus_of("sealed_body", "identity.txt").decode().strip())


def corpus_of(target: str, name: str) -> bytes:
    """One file beside the corpus."""
    return (CORPUS / target / name).read_bytes()


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _json(raw: bytes) -> Any:
    return strict_json.loads(raw)


def envelope(raw: bytes) -> object:
    """The door for partners: everything before a private key is needed."""
    card = _card()
    return sealing.accept(
        raw,
        me="ma-dgsn",
        card_of=lambda node: card if node == card.node_id else None,
        is_revoked=lambda *_: False,
        seen=lambda *_: None,
        now=parse_time(example()["now"]),
    )


def sealed_body(raw: bytes) -> object:
    """An age file to our mailbox key, under the manifest that lies beside the corpus."""
    manifest = read_manifest(Signed.from_json(json.loads(corpus_of("sealed_body", "manifest.json"))))
    return sealing.open_sealed(raw, manifest, [_identity()])


def _all(rows: Iterable[object]) -> int:
    return sum(1 for _ in rows)


def mapped_csv(raw: bytes) -> object:
    """Half mapping, half list: both come from outside."""
    mapping, _, rows = raw.partition(b"\n---\n")
    return _all(read_mapped_csv(io.BytesIO(rows), mapping=read_csv_mapping(mapping, form="toml")))


def fingerprints(raw: bytes) -> object:
    """A file that an officer brings, or a partner describes."""
    return media.sniff(raw[:4096]), ansi_nist.read_transaction(lambda at, size: raw[at : at + size], len(raw))


def expands(raw: bytes) -> object:
    """An archive or a picture that is looked at before anybody opens it."""
    return expansion.look(lambda at, size: raw[at : at + size], len(raw), media.sniff(raw[:4096]))


def part(raw: bytes) -> object:
    """A part and the content of its type."""
    return Part.from_json(_json(raw)).read


def blind_items(raw: bytes) -> object:
    """What travels in questions that hide their subject: elements, filters, changes of filters."""
    if raw[:1] == b"E":
        return [group.require_element(raw[at : at + 32], at="/elements") for at in range(1, len(raw), 32)]
    return filters.delta_from_bytes(raw) if raw[:4] == b"TSQD" else filters.from_bytes(raw)


TARGETS: dict[str, Target] = {
    "age_armor": armor.decode,
    "age_header": lambda raw: header.read(io.BytesIO(raw)),
    "blind_items": blind_items,
    "body": bodies.Body.from_bytes,
    "card": lambda raw: cards.open_card(Signed.from_json(_json(raw)), pinned_root=None),
    "checkpoint": lambda raw: checkpoints.read_checkpoint(_text(raw)),
    "date": lambda raw: parse_date(_text(raw)),
    "entry": lambda raw: entries.from_wire(_json(raw)),
    "envelope": envelope,
    "expansion": expands,
    "fingerprints": fingerprints,
    "json": lambda raw: (strict_json.loads(raw), canonical.loads(raw)),
    "list_ftm": lambda raw: _all(read_ftm(io.BytesIO(raw), list_key="invented")),
    "list_mapped_csv": mapped_csv,
    "list_ofac_csv": lambda raw: _all(read_ofac_csv(io.BytesIO(raw))),
    "list_ofac_enhanced": lambda raw: _all(read_ofac_enhanced(io.BytesIO(raw))),
    "list_ofac_xml": lambda raw: _all(read_ofac_xml(io.BytesIO(raw))),
    "list_un": lambda raw: _all(read_un_list(io.BytesIO(raw))),
    "manifest": lambda raw: read_manifest(Signed.from_json(_json(raw))),
    "name": lambda raw: read_name(_text(raw)),
    "part": part,
    "receipt": lambda raw: receipts.open_receipt(Signed.from_json(_json(raw)), keys={}, me="fr"),
    "revocation": lambda raw: revocations.open_revocation(Signed.from_json(_json(raw)), pinned_root=bytes(32)),
    "sealed_body": sealed_body,
    "terms": lambda raw: read_terms(_json(raw)),
    "time": lambda raw: parse_time(_text(raw)),
    "words": lambda raw: words.parse(_text(raw)),
}
BESIDE = {"identity.txt", "manifest.json"}
"""Files in the corpus that are no input."""


def corpus(target: str) -> dict[str, bytes]:
    """What the target is fed to begin with, by name; among it whatever was found once."""
    return {path.name: path.read_bytes() for path in sorted((CORPUS / target).iterdir()) if path.name not in BESIDE}


def feed(target: str, raw: bytes) -> None:
    """Give the bytes to the reader: it reads them or refuses them, and does nothing else."""
    try:
        TARGETS[target](raw)
    except TansiqError as refusal:
        code, facts = refusal.code, refusal.facts
    else:
        return
    assert "." in code
    assert all(isinstance(fact, str | int | bool | list | None) for fact in facts.values()), facts


def now() -> datetime:
    """The instant of the worked example."""
    return parse_time(example()["now"])
