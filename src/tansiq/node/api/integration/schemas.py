"""The shapes of the integration API, as OpenAPI describes them. Unknown members are refused, not overlooked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

Text = Annotated[str, Field(max_length=300)]
Code = Annotated[str, Field(max_length=64)]
Key = Annotated[str, Field(min_length=1, max_length=200)]


class Given(Schema):
    """What a client sends."""

    model_config = ConfigDict(extra="forbid")


class Problem(Schema):
    """RFC 9457: what was wrong, by a stable code and its facts; ``title`` is a sentence in English."""

    type: str
    title: str
    status: int
    code: str
    facts: dict[str, Any] = {}


class Identifier(Given):
    """A number by which something is known."""

    type: Code = Field(examples=["passport"])
    value: Text = Field(examples=["XK4471902"])


class Subject(Given):
    """Whom or what one asks about. Any script finds any other; what is not given is neutral."""

    names: list[Text] = Field(default_factory=list, max_length=20, examples=[["محمد بن سليمان"]])
    schema_: str = Field("Person", alias="schema", max_length=40)
    birth_dates: list[Text] = Field(default_factory=list, max_length=20, examples=[["1984-03-17"]])
    countries: list[Text] = Field(default_factory=list, max_length=20)
    identifiers: list[Identifier] = Field(default_factory=list, max_length=20)


class Question(Given):
    """A subject, and why one asks."""

    subject: Subject
    purpose: Code = Field(examples=["prevention"])
    crime_area: Code = ""
    reference: Text = Field("", description="the case or control for which one asks")


class Asking(Question):
    """The same for partners."""

    ask: list[Code] = Field(default_factory=list, max_length=50, description="partners to ask besides the register")
    blindly: bool = Field(False, description="so that partners do not learn about whom")


class Hit(Schema):
    """A record of the register that may be the one. ``caption`` and ``explanation`` only of what is this authority's own to show."""

    subject: str
    schema_: str = Field(alias="schema")
    origin: str
    band: str
    score: float
    caption: str | None = None
    explanation: dict[str, Any] | None = None


class Checked(Schema):
    """The answer to a check; no hit is an empty list."""

    check: str
    checked_at: datetime
    hits: list[Hit]


class Answer(Schema):
    """What one partner answered."""

    partner: str
    state: Literal["waiting", "hit", "contact", "nothing", "refused", "barred"]
    is_blind: bool
    hits: list[dict[str, Any]]
    families: list[str]
    code: str
    clause: str
    answered_at: datetime | None


class Searched(Schema):
    """A search: what the register holds, and what partners have answered so far."""

    search: str
    asked_at: datetime
    is_complete: bool
    here: list[Hit]
    partners: list[Answer]


class Bringing(Given):
    """A list, why it is asked, and of whom."""

    content: str = Field(max_length=4 * 1024 * 1024, examples=["p1\tYoussef Ziani\t1984-03-17"])
    name: Text = Field("list.tsv", description="its ending says the form, as for a file")
    columns: str = Field("", max_length=500, description="for a table: id=no,name=first+last,birth_date=born")
    purpose: Code = Field(examples=["prevention"])
    crime_area: Code = ""
    reference: Text = Field(description="the case or control for which one asks")
    blindly: list[Code] = Field(
        default_factory=list, max_length=50, description="partners to ask blindly, instead of the register"
    )


class AskedOfPartner(Schema):
    """One partner of a list: what it costs of the budget, how far it is, and why it rests or is not asked."""

    partner: str
    state: Literal["ready", "asking", "resting", "done", "stopped"]
    costs: int
    left_today: int
    days: int = Field(description="1: all of it today; 0: never")
    answered: int = Field(description="rows")
    code: str
    clause: str
    resumes_at: datetime | None


class Listed(Schema):
    """A list and where it stands."""

    screening: str
    state: Literal["prepared", "running", "done", "stopped"]
    rows: int
    done: int
    hits: int
    partners: list[AskedOfPartner]


class Results(Schema):
    """What came of a list's rows."""

    screening: str
    results: list[dict[str, Any]]


class Task(Schema):
    """One thing that needs somebody."""

    task: str
    kind: str
    code: str
    what: str = Field(description="in the language asked for")
    link: str
    urgent: bool
    due_at: datetime | None
    changed_at: datetime


class Desk(Schema):
    """A page of tasks, most urgent first; ``after`` begins the next one."""

    tasks: list[Task]
    after: str | None


class Dossier(Schema):
    """A dossier without its content."""

    dossier: str
    kind: str
    phase: str
    participants: list[str]
    opened_at: datetime
    due_at: datetime | None
    urgent: bool
    is_closed: bool


class Dossiers(Schema):
    """A page of dossiers, the newest change first; ``next`` is the number of the next page."""

    dossiers: list[Dossier]
    next: int | None


class Copying(Given):
    """Why a copy leaves the node."""

    purpose: Code
    reason: Annotated[str, Field(min_length=3, max_length=500)]


class Copy(Schema):
    """A numbered copy. When what it holds is recalled or erased, a task ``copy`` or ``copy_recall`` says so, and it must go."""

    copy_number: int
    content: Any


class Settled(Given):
    """What became of a copy that had to come back."""

    kind: Literal["print", "register"]
    outcome: Code = Field(examples=["destroyed"])


class Drafting(Given):
    """An act for an officer to sign: the intent as ``docs/integrator`` describes it."""

    intent: dict[str, Any]


class Drafted(Schema):
    """A draft, and what stands against sending it."""

    draft: str
    state: str
    missing: list[str]
    readers: list[str]
    answer: str
    clause: str


class Entities(Given):
    """Entities of the FollowTheMoney model under the client's own ids: new, changed or unchanged."""

    list_key: Annotated[str, Field(min_length=1, max_length=60, examples=["border-wanted"])]
    entities: list[dict[str, Any]] = Field(min_length=1, max_length=500)


class Stored(Schema):
    """What an upsert did, row by row where something was wrong."""

    counts: dict[str, int]
    problems: list[dict[str, Any]]


class Me(Schema):
    """The client that calls."""

    client: str
    title: str
    unit: str
    scopes: list[str]
    per_minute: int
    expires_at: datetime


class TaskDone(Given):
    """The task that was dealt with, by its key."""

    task: Key
