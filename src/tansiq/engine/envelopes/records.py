"""What cards, manifests, receipts and revocations have in common: frozen, one JSON form, signed as they are.

A record is read from canonical bytes only (RFC 8785) and takes exactly the members that it writes, so one record has
one sequence of bytes and one digest, and a member that this version does not know is refused, not overlooked.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError
from pydantic_core import PydanticCustomError

from tansiq.engine.envelopes import dsse
from tansiq.engine.envelopes.dsse import Signed
from tansiq.engine.envelopes.signing import KEY_ID_LENGTH, Signer
from tansiq.engine.errors import Rejected
from tansiq.engine.formats import canonical
from tansiq.engine.formats.ids import b64decode, b64encode, digest
from tansiq.engine.formats.json_values import JsonValue, Limits, pointer
from tansiq.engine.formats.times import format_time, parse_time, to_utc

LIMITS: Final = Limits(max_bytes=1024 * 1024, max_depth=8, max_values=50_000, max_string_length=64 * 1024)
_RULES: Final = {"missing": "missing", "extra_forbidden": "unknown"}


def wrong(rule: str) -> PydanticCustomError:
    """The error by which a validator names the rule that a value breaks; becomes a fact of ``Rejected``."""
    return PydanticCustomError(rule, "breaks a rule")


def _instant(value: object) -> datetime:
    try:
        return to_utc(value) if isinstance(value, datetime) else parse_time(value)
    except (Rejected, ValueError):
        raise wrong("not_a_time") from None


def _key(value: object) -> bytes:
    try:
        raw = value if isinstance(value, bytes) else b64decode(value)
    except Rejected:
        raise wrong("not_base64") from None
    if len(raw) != 32:
        raise wrong("not_32_bytes")
    return raw


Instant = Annotated[datetime, BeforeValidator(_instant), PlainSerializer(format_time, return_type=str)]
Key32 = Annotated[bytes, BeforeValidator(_key), PlainSerializer(b64encode, return_type=str)]
NodeId = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z0-9]{1,30}){0,4}$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
KeyId = Annotated[str, Field(pattern=rf"^[0-9a-f]{{{KEY_ID_LENGTH}}}$")]
EnvelopeId = Annotated[str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")]
Counter = Annotated[int, Field(ge=1, le=2**53 - 1)]


class Record(BaseModel):
    """A frozen record that is read strictly. Made in code with a wrong value it raises ``ValueError``."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        validate_by_name=True,
        validate_by_alias=True,
        hide_input_in_errors=True,
    )

    def to_json(self) -> dict[str, JsonValue]:
        """Every member, also those that are null."""
        return self.model_dump(mode="json", by_alias=True)

    def to_bytes(self) -> bytes:
        """The canonical bytes: what is signed, and what the digest is of."""
        return canonical.dumps(self.to_json())

    def digest(self) -> str:
        """SHA-256 of the canonical bytes."""
        return digest(self.to_bytes())

    @classmethod
    def from_json(cls, value: object, *, at: str = "") -> Self:
        """The record that ``to_json`` wrote; ``Rejected("record.field", at=JSON pointer, rule=…)`` for anything else.

        An unknown version is told apart from a wrong field: ``Rejected("record.version", at=…)``.
        """
        version = value.get("v", 1) if isinstance(value, dict) else 1
        if type(version) is not int or version != 1:
            raise Rejected("record.version", at=pointer(at, "v"))
        try:
            record = cls.model_validate(value, by_name=False, by_alias=True)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            rule = _RULES.get(first["type"], first["type"])
            raise Rejected("record.field", at=pointer(at, *first["loc"]), rule=rule) from None
        if (written := record.to_json()) != value:
            # A member that has a default in code is missing here, or is written in a way of its own.
            raise Rejected("record.field", at=_difference(written, value, at), rule="missing")
        return record

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """The record in canonical bytes; raises as ``from_json`` and as ``canonical.loads``."""
        return cls.from_json(canonical.loads(raw, limits=LIMITS))


class SignedRecord(Record):
    """A record that travels signed, under the payload type that its class names."""

    payload_type: ClassVar[str]

    def signed_by(self, signer: Signer) -> Signed:
        """The record under one signature."""
        return dsse.sign(self.payload_type, self.to_bytes(), [signer])


def _difference(written: JsonValue, found: object, at: str) -> str:
    """The JSON pointer of the first place where the two differ."""
    if isinstance(written, dict) and isinstance(found, dict):
        for name, value in written.items():
            if name not in found or found[name] != value:
                return _difference(value, found.get(name), pointer(at, name))
    return at


def flat(value: Any) -> Any:
    """A list where strictness would want a tuple: JSON knows lists only."""
    return tuple(value) if isinstance(value, list) else value


Flat: Final = BeforeValidator(flat)
"""Put into ``Annotated[tuple[…, ...], Flat]`` so that a JSON list is taken."""
