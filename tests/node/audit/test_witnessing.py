"""Partners' checkpoints are kept, countersigned and held against them; ours come back countersigned."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tansiq.engine.errors import Corrupt, Rejected
from tansiq.engine.formats.ids import b64encode
from tansiq.engine.ledger import checkpoints, merkle, notes
from tansiq.node.audit import queries, witnessing
from tansiq.node.audit.models import Contradiction, Cosigned, PartnerCheckpoint
from tansiq.node.audit.verification import verify
from tansiq.node.vault import keys
from tests.engine.ledger.trees import leaves_of, reader
from tests.node.audit.logs import ME, PARTNER, filled, rebuild, sql

pytestmark = pytest.mark.django_db

LEAVES = leaves_of(64)
ORIGIN = "tansiq/it/exchange/1"


def _text(size: int, *, leaves: list[bytes] = LEAVES, origin: str = ORIGIN, signer: Any = PARTNER) -> str:
    head = checkpoints.Checkpoint(origin, size, merkle.root_of(leaves[:size]))
    return checkpoints.sign_checkpoint(head, public=signer.public, signer=signer)


def _proof(old: int, new: int, leaves: list[bytes] = LEAVES) -> dict[str, Any]:
    steps = merkle.consistency_proof(old, new, reader(leaves))
    return {"from_size": old, "proof": [b64encode(step) for step in steps]}


def _keep(text: str, proof: dict[str, Any] | None, now: datetime) -> witnessing.Kept:
    return witnessing.keep_partner_checkpoint(
        "it", text, proof, publics=[PARTNER.public], node_id=ME, signer=keys.current().node, now=now
    )


def test_a_growing_log_is_kept_and_countersigned(now: datetime) -> None:
    assert _keep(_text(5), None, now) == witnessing.Kept(5, is_new=True)
    assert _keep(_text(5), None, now) == witnessing.Kept(5, is_new=False)
    assert _keep(_text(20), _proof(5, 20), now) == witnessing.Kept(20, is_new=True)
    cosigned = queries.cosigned_for("it")
    ours = notes.NoteKey("tansiq/fr", keys.current().node.public, notes.COSIGNATURE_V1)
    line = notes.split_note(cosigned).signatures[-1].line()
    assert checkpoints.verify_cosignature(cosigned, line, [ours]).at == now
    assert queries.kept_of("it").size == 20


def test_without_the_right_proof_nothing_is_kept_and_it_is_asked_for(now: datetime) -> None:
    _keep(_text(5), None, now)
    assert _keep(_text(20), None, now).proof_needed_from == 5
    assert _keep(_text(20), _proof(4, 20), now).proof_needed_from == 5
    assert queries.kept_of("it").size == 5
    assert queries.contradictions() == []


def test_an_older_checkpoint_that_comes_late_changes_nothing(now: datetime) -> None:
    _keep(_text(20), None, now)
    assert _keep(_text(5), None, now) == witnessing.Kept(5, is_new=False)
    assert PartnerCheckpoint.objects.count() == 1


def test_two_roots_for_one_size_are_kept_as_evidence(now: datetime) -> None:
    _keep(_text(5), None, now)
    other = _text(5, leaves=LEAVES[1:])
    for _ in range(2):
        with pytest.raises(Corrupt) as caught:
            _keep(other, None, now)
        assert caught.value.code == "audit.partner_contradicts"
        assert caught.value.facts["kind"] == "forked"
    (evidence,) = queries.contradictions("it")
    assert (evidence.known, evidence.other) == (_text(5), other)
    assert queries.kept_of("it").text == _text(5)


def test_a_rewritten_log_is_kept_as_evidence(now: datetime) -> None:
    _keep(_text(5), None, now)
    changed = [LEAVES[0], merkle.leaf_hash(b"rewritten"), *LEAVES[2:]]
    with pytest.raises(Corrupt) as caught:
        _keep(_text(20, leaves=changed), _proof(5, 20, changed), now)
    assert caught.value.facts["kind"] == "unproven"
    assert Contradiction.objects.get().proof == _proof(5, 20, changed)
    assert queries.kept_of("it").size == 5


@pytest.mark.parametrize("steps", [None, "x", [1], ["!"], ["AAAA"], ["A" * 44] * 65])
def test_a_malformed_proof_proves_nothing(now: datetime, steps: object) -> None:
    _keep(_text(5), None, now)
    with pytest.raises(Corrupt):
        _keep(_text(20), {"from_size": 5, "proof": steps}, now)
    assert queries.kept_of("it").size == 5


@pytest.mark.parametrize(
    "origin", ["tansiq/ma/exchange/1", "tansiq/it/internal/1", "tansiq/it/exchange/0", "tansiq/it/exchange", "x"]
)
def test_a_foreign_origin_is_refused(now: datetime, origin: str) -> None:
    with pytest.raises(Rejected) as caught:
        _keep(_text(5, origin=origin), None, now)
    assert caught.value.code == "audit.foreign_origin"
    assert PartnerCheckpoint.objects.count() == 0


def test_a_checkpoint_signed_by_another_is_refused(now: datetime) -> None:
    with pytest.raises(Rejected) as caught:
        _keep(_text(5, signer=keys.current().node), None, now)
    assert caught.value.code == "ledger.note_unsigned"
    assert PartnerCheckpoint.objects.count() == 0


def test_a_restored_partner_begins_anew_and_never_goes_back(now: datetime) -> None:
    _keep(_text(20), None, now)
    assert _keep(_text(1, origin="tansiq/it/exchange/2"), None, now).is_new
    assert not _keep(_text(30), _proof(20, 30), now).is_new
    assert queries.kept_of("it").origin == "tansiq/it/exchange/2"


def test_our_checkpoint_comes_back_countersigned_and_testifies(now: datetime) -> None:
    texts = filled(30, now)
    line = checkpoints.cosign(texts[1], name="tansiq/it", public=PARTNER.public, signer=PARTNER, now=now)
    both = checkpoints.add_cosignature(texts[1], line)
    row = witnessing.keep_cosigned("it", both, publics=[PARTNER.public])
    assert (row.size, row.seen_at) == (20, now)
    assert witnessing.keep_cosigned("it", both, publics=[PARTNER.public]) == row
    assert queries.size_of(both) == 20
    assert [kept.size for kept in queries.cosigned_by()] == [20]
    assert verify().is_well
    sql("UPDATE audit_event SET actor = 'x' WHERE \"index\" = 3")
    rebuild()
    (report,) = verify().trees
    assert [(finding.code, finding.facts["source"]) for finding in report.findings] == [("audit.rewritten", "it")]


def test_a_false_countersignature_is_not_kept(now: datetime) -> None:
    texts = filled(20, now)
    line = checkpoints.cosign(texts[0], name="tansiq/it", public=PARTNER.public, signer=PARTNER, now=now)
    cases = {
        checkpoints.add_cosignature(texts[1], line): "ledger.note_signature_invalid",
        texts[0]: "ledger.note_unsigned",
        _text(5): "audit.cosigned_unknown",
    }
    for text, code in cases.items():
        with pytest.raises(Rejected) as caught:
            witnessing.keep_cosigned("it", text, publics=[PARTNER.public])
        assert caught.value.code == code
    both = checkpoints.add_cosignature(texts[0], line)
    with pytest.raises(Rejected) as caught:
        witnessing.keep_cosigned("it", both, publics=[keys.current().node.public])
    assert caught.value.code == "ledger.note_unsigned"
    assert Cosigned.objects.count() == 0
