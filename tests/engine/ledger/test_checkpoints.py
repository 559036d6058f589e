"""Signed notes, checkpoints and countersignatures: the norms' own examples, and every way to spoil one."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tansiq.engine.errors import Rejected
from tansiq.engine.ledger import checkpoints, merkle, notes
from tansiq.engine.ledger.leaves import Header, commit, is_commitment

NODE = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
WITNESS = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)
NODE_PUBLIC = NODE.public_key().public_bytes_raw()
WITNESS_PUBLIC = WITNESS.public_key().public_bytes_raw()
NOW = datetime(2026, 11, 22, 0, 25, 24, 123_000, tzinfo=UTC)
HEAD = checkpoints.Checkpoint("tansiq/fr/exchange/1", 3, merkle.root_of([merkle.leaf_hash(b"a")] * 3))
KEY = checkpoints.checkpoint_key(HEAD.origin, NODE_PUBLIC)
WITNESS_KEY = notes.NoteKey("tansiq/it", WITNESS_PUBLIC, notes.COSIGNATURE_V1)
SIGNED = checkpoints.sign_checkpoint(HEAD, public=NODE_PUBLIC, signer=NODE)


def _code(raw: str, *keys: notes.NoteKey) -> str:
    with pytest.raises(Rejected) as caught:
        checkpoints.open_checkpoint(raw, keys or [KEY])
    return caught.value.code


# The vector of golang.org/x/mod/sumdb/note, which signed-note writes down: key PeterNeumann+c74f20a3.
PETER = notes.NoteKey("PeterNeumann", base64.b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")[1:])
PETER_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_the_note_package_and_we_agree_on_its_published_note() -> None:
    assert PETER.key_id.hex() == "c74f20a3"
    note = notes.split_note(PETER_NOTE)
    assert notes.verify_note(note, [PETER]) == (PETER,)
    assert str(note) == PETER_NOTE


def test_a_checkpoint_comes_back_as_signed() -> None:
    assert checkpoints.open_checkpoint(SIGNED, [KEY]) == HEAD
    assert checkpoints.read_checkpoint(SIGNED) == HEAD
    assert SIGNED.startswith("tansiq/fr/exchange/1\n3\n")


def test_the_norms_example_checkpoint_is_read() -> None:
    raw = (
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa "
        "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
        "— witness.example.com/w1 "
        "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
    )
    assert checkpoints.read_checkpoint(raw).size == 20_852_163
    assert [signature.name for signature in notes.split_note(raw).signatures] == [
        "example.com/behind-the-sofa", "witness.example.com/w1",
    ]  # fmt: skip


def test_unknown_signatures_are_ignored_and_known_ones_must_hold() -> None:
    stranger = notes.NoteSignature("somebody", b"abcd", b"\x00" * 64).line()
    assert checkpoints.open_checkpoint(SIGNED + stranger, [KEY]) == HEAD
    bad = notes.NoteSignature(KEY.name, KEY.key_id, b"\x00" * 64).line()
    assert _code(SIGNED + bad) == "ledger.note_signature_invalid"
    assert _code(SIGNED, checkpoints.checkpoint_key(HEAD.origin, WITNESS_PUBLIC)) == "ledger.note_unsigned"


def test_a_key_for_one_log_signs_no_other() -> None:
    other = checkpoints.checkpoint_key("tansiq/fr/internal/1", NODE_PUBLIC)
    assert _code(SIGNED, other) == "ledger.note_unsigned"
    note = notes.split_note(SIGNED)
    forged = str(notes.Note(note.text, (notes.sign_note(note.text, other, NODE),)))
    assert _code(forged, KEY, other) == "ledger.note_unsigned"


@given(st.integers(0, len(SIGNED.encode()) - 1), st.integers(0, 7))
def test_no_flipped_bit_passes(at: int, bit: int) -> None:
    raw = bytearray(SIGNED.encode())
    raw[at] ^= 1 << bit
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return
    with pytest.raises(Rejected):
        checkpoints.open_checkpoint(text, [KEY])


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(raw: str) -> None:
    try:
        note = notes.split_note(raw)
    except Rejected:
        return
    assert str(note) == raw


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("o\n1\n", "lines"),
        ("o\n1\n{root}\nmore\n", "lines"),
        ("o\n1\n{root}", "lines"),
        ("\n1\n{root}\n", "origin"),
        ("a b\n1\n{root}\n", "origin"),
        ("a+b\n1\n{root}\n", "origin"),
        ("o\n01\n{root}\n", "size"),
        ("o\n-1\n{root}\n", "size"),
        ("o\n+1\n{root}\n", "size"),
        ("o\n١\n{root}\n", "size"),
        ("o\n1 \n{root}\n", "size"),
        ("o\n9223372036854775808\n{root}\n", "size"),
        ("o\n99999999999999999999\n{root}\n", "size"),
        ("o\n1\nAAAA\n", "root"),
        ("o\n1\n{root}=\n", "root"),
        ("o\n1\n!\n", "root"),
        ("o\n0\n{root}\n", "root"),
    ],
)
def test_a_malformed_checkpoint_names_the_line(text: str, at: str) -> None:
    root = base64.b64encode(HEAD.root).decode()
    with pytest.raises(Rejected) as caught:
        checkpoints.Checkpoint.from_text(text.format(root=root))
    assert (caught.value.code, caught.value.facts["at"]) == ("ledger.checkpoint_malformed", at)


@pytest.mark.parametrize(
    ("raw", "at"),
    [
        ("", "blank_line"),
        ("text\n", "blank_line"),
        ("text\n\n", "blank_line"),
        ("text\n\n— a AAAAAAA=", "blank_line"),
        ("text\r\n\n— a AAAAAAA=\n", "characters"),
        ("te\x00xt\n\n— a AAAAAAA=\n", "characters"),
        ("te\ud800xt\n\n— a AAAAAAA=\n", "characters"),
        ("text\n\n- a AAAAAAA=\n", "signature_line"),
        ("text\n\n— a+b AAAAAAA=\n", "signature_line"),
        ("text\n\n—  AAAAAAA=\n", "signature_line"),
        ("text\n\n— a\n", "signature_line"),
        ("text\n\n— a AAAAAA==\n", "signature_base64"),
        ("text\n\n— a AAAAAAB=\n", "signature_base64"),
        ("text\n\n— a AAAAAAA= \n", "signature_base64"),
        ("text\n\n— a A\n", "signature_base64"),
        ("text\n\n" + "— a AAAAAAA=\n" * 65, "signatures"),
        ("x" * 70_000, "length"),
    ],
)
def test_a_malformed_note_names_the_place(raw: str, at: str) -> None:
    with pytest.raises(Rejected) as caught:
        notes.split_note(raw)
    assert (caught.value.code, caught.value.facts["at"]) == ("ledger.note_malformed", at)


def test_an_empty_line_within_the_text_is_text() -> None:
    note = notes.split_note("one\n\ntwo\n\n— a AAAAAAA=\n")
    assert note.text == "one\n\ntwo\n"


def test_a_countersignature_says_who_and_when() -> None:
    line = checkpoints.cosign(SIGNED, name=WITNESS_KEY.name, public=WITNESS_PUBLIC, signer=WITNESS, now=NOW)
    seen = checkpoints.verify_cosignature(SIGNED, line, [WITNESS_KEY])
    assert (seen.name, seen.at) == ("tansiq/it", NOW.replace(microsecond=0))
    both = checkpoints.add_cosignature(SIGNED, line)
    assert checkpoints.add_cosignature(both, line) == both
    assert checkpoints.open_checkpoint(both, [KEY, WITNESS_KEY]) == HEAD
    assert checkpoints.verify_cosignature(both, line, [WITNESS_KEY]) == seen


def test_a_countersignature_holds_for_one_checkpoint_and_one_key() -> None:
    line = checkpoints.cosign(SIGNED, name=WITNESS_KEY.name, public=WITNESS_PUBLIC, signer=WITNESS, now=NOW)
    other = checkpoints.sign_checkpoint(
        checkpoints.Checkpoint(HEAD.origin, 4, HEAD.root), public=NODE_PUBLIC, signer=NODE
    )
    with pytest.raises(Rejected) as caught:
        checkpoints.verify_cosignature(other, line, [WITNESS_KEY])
    assert caught.value.code == "ledger.note_signature_invalid"
    with pytest.raises(Rejected) as caught:
        checkpoints.verify_cosignature(SIGNED, line, [notes.NoteKey("tansiq/it", NODE_PUBLIC, notes.COSIGNATURE_V1)])
    assert caught.value.code == "ledger.note_unsigned"
    with pytest.raises(Rejected) as caught:
        checkpoints.verify_cosignature(SIGNED, line, [notes.NoteKey("tansiq/it", WITNESS_PUBLIC)])
    assert caught.value.code == "ledger.note_unsigned"


def test_a_countersignature_without_time_or_beyond_all_time_is_refused() -> None:
    for rest in (b"\x00" * 64, b"\x00" * 8):
        line = notes.NoteSignature(WITNESS_KEY.name, WITNESS_KEY.key_id, rest).line()
        with pytest.raises(Rejected):
            checkpoints.verify_cosignature(SIGNED, line, [WITNESS_KEY])
    stamp = 2**63 - 1
    text = notes.split_note(SIGNED).text
    signature = WITNESS.sign(f"cosignature/v1\ntime {stamp}\n{text}".encode())
    line = notes.NoteSignature(WITNESS_KEY.name, WITNESS_KEY.key_id, stamp.to_bytes(8, "big") + signature).line()
    with pytest.raises(Rejected):
        checkpoints.verify_cosignature(SIGNED, line, [WITNESS_KEY])


def test_an_origin_that_would_break_the_note_is_not_signed() -> None:
    for origin in ("a\nb", "", "a b", "a+b"):
        with pytest.raises(Rejected):
            checkpoints.sign_checkpoint(checkpoints.Checkpoint(origin, 3, HEAD.root), public=NODE_PUBLIC, signer=NODE)


def test_a_commitment_binds_facts_and_salt() -> None:
    salt = b"s" * 32
    commitment = commit(salt, {"partner": "it"})
    assert is_commitment(commitment, salt=salt, facts={"partner": "it"})
    assert not is_commitment(commitment, salt=salt, facts={"partner": "ma"})
    assert not is_commitment(commitment, salt=b"S" * 32, facts={"partner": "it"})
    assert not is_commitment(commitment, salt=b"", facts={"partner": "it"})
    with pytest.raises(Rejected):
        commit(b"short", {})


def test_a_leaf_binds_every_part_of_the_header() -> None:
    header = Header("exchange", "entry.sent", "machine", "d1", NOW, b"c" * 32)
    assert header.to_bytes() == (
        b'{"actor":"machine","at":"2026-11-22T00:25:24.123Z","dossier":"d1","event":"entry.sent","facts":"'
        + b"63" * 32
        + b'","log":"exchange","v":1}'
    )
    others = [
        replace(header, log="internal"),
        replace(header, event="entry.seen"),
        replace(header, actor=""),
        replace(header, dossier="d2"),
        replace(header, at=NOW + timedelta(milliseconds=1)),
        replace(header, commitment=b"d" * 32),
    ]
    assert len({header.leaf(), *(other.leaf() for other in others)}) == 7
