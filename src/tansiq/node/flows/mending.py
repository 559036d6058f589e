"""What the doctor repairs, and how: nothing is invented, everything is proved or counted anew.

| damaged | mended from |
|---|---|
| an entry's header, signature or part | the other participants: set aside, asked for with ``fetch``, proved when it comes |
| a sealed file | the partners that have it: set aside, awaited again |
| the stored state of a dossier, the verdict on an entry | the headers, folded anew |
| what is owed by partners | the dossiers' states |
| the hashes of a log, while its rows reproduce every signed head | those rows |
| a row of a log | nothing: that is named, and left as it is for the auditor |
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from tansiq.node.audit import actions as audit
from tansiq.node.audit import verification
from tansiq.node.dossiers import damage, owed, refolding
from tansiq.node.exchange import blobs
from tansiq.node.flows.repair import finding
from tansiq.node.flows.taking import ask_for
from tansiq.node.partners import queries as partners

DERIVED = frozenset({"audit.hashes_damaged", "audit.state_damaged"})


def mend(now: datetime) -> list[dict[str, str]]:
    """Repair what can be, and say what was done: {level, check, told}; ``bad`` is what a person must see to."""
    return [*_entries(now), *_states(now), *_files(now), _owed(), *_logs(now)]


def _entries(now: datetime) -> list[dict[str, str]]:
    _, found = damage.examine(partners.authority_keyring)
    me, done = partners.my_id(), []
    known = {partner.node_id for partner in partners.partners()}
    for one in found:
        others = sorted((set(one.participants) - {me}) & known)
        if not others:
            done.append(finding("bad", "entry", f"{one}: nobody else has it; restore a copy"))
            continue
        with transaction.atomic():
            damage.set_aside(one, now)
            ask_for(others, one.dossier, [one.entry], now)
        done.append(finding("ok", "entry", f"{one}: set aside, asked of {', '.join(others)}"))
    return done


def _states(now: datetime) -> list[dict[str, str]]:
    done = []
    for one in list(refolding.differences()):
        found = refolding.write_anew(one.dossier, now)
        if found is not None:
            level = "bad" if found.code else "ok"
            done.append(finding(level, "state", f"{found}: {'left as it is' if found.code else 'folded anew'}"))
    return done


def _files(now: datetime) -> list[dict[str, str]]:
    broken = blobs.set_aside_damaged()
    awaited = blobs.await_again(now)
    if not awaited:
        return []
    return [finding("ok", "files", f"{awaited} awaited again, {broken} of them were damaged")]


def _owed() -> dict[str, str]:
    return finding("ok", "owed", f"{owed.recount()} dossiers written anew")


def _logs(now: datetime) -> list[dict[str, str]]:
    report = verification.verify([], publics=partners.own_node_keys())
    done = []
    for tree in report.trees:
        codes = {finding.code for finding in tree.findings}
        if not codes:
            continue
        if codes <= DERIVED:
            audit.rebuild_hashes(tree.origin, now=now)
            done.append(finding("ok", f"log {tree.origin}", "its hashes were made anew from its rows"))
        else:
            done.append(
                finding("bad", f"log {tree.origin}", f"{', '.join(sorted(codes))}: left as it is; call the auditor")
            )
    return done
