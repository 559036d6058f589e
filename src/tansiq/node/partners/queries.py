"""Reads of partners, their keys and the accords in force."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.conf import settings

from tansiq.engine.accords.decide import AccordInForce, LocalRules
from tansiq.engine.envelopes.cards import CardKey, NodeCard, Revocation, open_card
from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.errors import Rejected
from tansiq.node.partners import models
from tansiq.node.partners.models import Accord, CardHistory, Correspondent, Partner, RevokedKey
from tansiq.node.vault.asking import asked_once
from tansiq.node.vault.prepared import Select

_IN_FORCE = Select(Accord, ("accord_id",), fields=("in_force",))
_RULES = Select(models.LocalRules, ("pk",), fields=("rules",))


def get_partner(node_id: str) -> Partner:
    """The partner ``node_id``; raises Rejected("partner.unknown")."""
    try:
        return Partner.objects.get(node_id=node_id)
    except Partner.DoesNotExist:
        raise Rejected("partner.unknown", node=node_id) from None


def partners() -> list[Partner]:
    """Every other node, by id."""
    return list(Partner.objects.filter(is_self=False))


def ids() -> list[str]:
    """Every other node by its id, also those that are suspended."""
    return list(Partner.objects.filter(is_self=False).values_list("node_id", flat=True))


def dialling() -> set[str]:
    """Partners that cannot be reached from outside: they fetch what waits for them."""
    return set(Partner.objects.filter(is_self=False, dials_us=True).values_list("node_id", flat=True))


def by_hand() -> set[str]:
    """Partners to whom no line leads: what is exchanged with them goes on removable media, and nothing dials them."""
    return set(Partner.objects.filter(is_self=False, by_hand=True).values_list("node_id", flat=True))


def correspondents(*, also_former: bool = False) -> list[Correspondent]:
    """The parties without a node with whom this authority exchanges by other channels."""
    rows = Correspondent.objects.all()
    return list(rows if also_former else rows.filter(is_active=True))


def get_correspondent(party: str) -> Correspondent:
    """The correspondent of this id; raises Rejected("partner.unknown_correspondent")."""
    found = Correspondent.objects.filter(party=party).first()
    if found is None:
        raise Rejected("partner.unknown_correspondent", party=str(party)[:64])
    return found


def my_id() -> str:
    """This node's own id, without a look at the store: it is asked many times in every act."""
    return str(settings.NODE.node_id)


def is_installed() -> bool:
    """Whether the store is a node's already."""
    return Partner.objects.exists()


def myself() -> Partner:
    """This node's own row; raises Rejected("partner.not_initialised") before ``tansiq init``."""
    found = Partner.objects.filter(is_self=True).first()
    if found is None:
        raise Rejected("partner.not_initialised")
    return found


def card_of(node_id: str) -> NodeCard | None:
    """The newest card of an enrolled node that is not suspended, or None."""
    row = Partner.objects.filter(node_id=node_id, status=Partner.ENROLLED).first()
    return opened(row) if row else None


def opened(row: Partner) -> NodeCard:
    """The card in ``row``, verified against the pinned root."""
    return _verified(Signed.from_json(row.card), bytes(row.root_public))


@lru_cache(maxsize=512)
def _verified(signed: Signed, root: bytes | None) -> NodeCard:
    """The opened card. It follows from the signed bytes and the root alone, so that no later word can change it."""
    return open_card(signed, pinned_root=root)


def authority_keys(node_id: str, at: datetime) -> dict[str, bytes]:
    """Public authority keys of ``node_id`` by key id that were valid at ``at``; past cards count.

    Revoked ones stand here too: which entries of a revoked key are good is said per dossier (:func:`revocations_of`), and an honest
    entry of the past must go on verifying.
    """
    return authority_keyring(node_id)(at)


def authority_keyring(node_id: str) -> Callable[[datetime], dict[str, bytes]]:
    """:func:`authority_keys` of one node for any number of times, its cards read once."""
    cards = _cards(node_id)
    return lambda at: _keys(cards, "authority", at, revoked={})


def node_keys(node_id: str, at: datetime) -> dict[str, bytes]:
    """Public node keys of ``node_id`` by key id that were valid at ``at`` and not revoked by then; past cards count."""
    revoked = {row.key_id: row.from_time for row in _revoked_keys(node_id)}
    return _keys(_cards(node_id), "node", at, revoked=revoked)


def own_node_keys() -> list[bytes]:
    """Every public node key this node ever had: its checkpoints of the past were signed with those of the past."""
    row = myself()
    found: list[bytes] = []
    for card in _cards(row.node_id):
        found += [key.public_bytes for key in card.keys if key.purpose == "node"]
    return list(dict.fromkeys(found))


def former_keys(purpose: str) -> set[str]:
    """Ids of this node's keys of ``purpose`` that its earlier cards name and its present one does not."""
    row = myself()
    present = opened(row).keys_by_id(purpose)
    return {key.key_id for card in _cards(row.node_id) for key in card.keys if key.purpose == purpose} - present.keys()


def cards_of(node_id: str, key_id: str) -> list[dict[str, Any]]:
    """The newest signed card of ``node_id`` that names this key, in a list; empty where this node has none."""
    row = Partner.objects.filter(node_id=node_id).first()
    for signed in CardHistory.objects.filter(node_id=node_id).order_by("-serial").values_list("card", flat=True):
        card = _verified(Signed.from_json(signed), bytes(row.root_public) if row else None)
        if any(key.key_id == key_id for key in card.keys):
            return [signed]
    return []


def all_cards(node_id: str) -> list[dict[str, Any]]:
    """Every signed card of ``node_id`` that this node has accepted, the oldest first."""
    return list(CardHistory.objects.filter(node_id=node_id).order_by("serial").values_list("card", flat=True))


def kept_of(node_id: str) -> dict[str, Any]:
    """What ``node_id`` has signed of itself with its root key, as kept here: ``{"v": 1, "node", "cards": […], "revocations": […]}``.

    Raises Rejected("partner.unknown").
    """
    get_partner(node_id)
    rows = RevokedKey.objects.filter(node_id=node_id).order_by("key_id")
    return {
        "v": 1,
        "node": node_id,
        "cards": all_cards(node_id),
        "revocations": list(rows.values_list("revocation", flat=True)),
    }


def root_of(node_id: str) -> bytes | None:
    """The root key that was pinned when ``node_id`` was enrolled; None for a stranger."""
    found = Partner.objects.filter(node_id=node_id).values_list("root_public", flat=True).first()
    return bytes(found) if found is not None else None


def _keys(cards: Iterable[NodeCard], purpose: str, at: datetime, *, revoked: dict[str, datetime]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for card in cards:
        for key in card.keys:
            if key.purpose == purpose and _stands(key, at, revoked):
                found[key.key_id] = key.public_bytes
    return found


@asked_once(Partner, CardHistory)
def _cards(node_id: str) -> list[NodeCard]:
    """Every card of the node ever accepted, oldest first, each verified against the pinned root."""
    root = root_of(node_id)
    if root is None:
        return []
    rows = CardHistory.objects.filter(node_id=node_id).order_by("serial").values_list("card", flat=True)
    return [_verified(Signed.from_json(signed), root) for signed in rows]


@asked_once(RevokedKey)
def _revoked_keys(node_id: str) -> list[RevokedKey]:
    return list(RevokedKey.objects.filter(node_id=node_id))


def _stands(key: CardKey, at: datetime, revoked: dict[str, datetime]) -> bool:
    return key.valid_from <= at < key.valid_to and not (key.key_id in revoked and at >= revoked[key.key_id])


def is_revoked(node_id: str, key_id: str, at: datetime) -> bool:
    """Whether the key had been revoked by ``at``."""
    return any(row.key_id == key_id and row.from_time <= at for row in _revoked_keys(node_id))


def revocations_of(node_id: str, key_ids: Iterable[str]) -> list[Revocation]:
    """The revocations of those of the keys that ``node_id`` has revoked, whatever time they name."""
    wanted = set(key_ids)
    rows = [row for row in _revoked_keys(node_id) if row.key_id in wanted]
    return [Revocation.from_bytes(Signed.from_json(row.revocation).payload) for row in rows]


@asked_once(Accord)
def accord_in_force(accord_id: str) -> AccordInForce | None:
    """The accord as ``decide`` wants it, or None when this node does not know it."""
    found = _IN_FORCE.raw(accord_id)
    return _read_accord(found) if found else None


@lru_cache(maxsize=256)
def _read_accord(text: str) -> AccordInForce | None:
    """It follows from the text alone, and every act asks."""
    found = json.loads(text)
    return AccordInForce.from_json(found) if found else None


def accords_among(parties: Iterable[str]) -> list[Accord]:
    """Accords in force to which all ``parties`` belong, the one with fewest parties first (the more special law)."""
    wanted = set(parties)
    rows = [row for row in Accord.objects.filter(status="in_force") if wanted <= set(row.parties)]
    return sorted(rows, key=lambda row: (len(row.parties), row.accord_id))


def accords() -> list[Accord]:
    """Every accord this node knows."""
    return list(Accord.objects.all())


@asked_once(models.LocalRules)
def local_rules() -> LocalRules:
    """This node's own rules; empty when none were written."""
    found = _RULES.value(1)
    return LocalRules() if found is None else LocalRules.from_json(found)
