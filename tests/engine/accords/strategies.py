"""Drawn markings, terms, questions: shared by the tests of this room."""

from __future__ import annotations

from hypothesis import strategies as st

from tansiq.engine.accords.markings import HANDLING_CODES, TLP_ORDER, Marking, strictest

LADDERS = {
    0: (("uk", "OFFICIAL"),),
    1: (("fr", "DIFFUSION RESTREINTE"), ("it", "RISERVATO"), ("eu", "RESTREINT UE/EU RESTRICTED")),
    2: (("it", "RISERVATISSIMO"), ("de", "VS-VERTRAULICH")),
    3: (("fr", "SECRET"), ("it", "SEGRETO")),
    4: (("it", "SEGRETISSIMO"),),
}


def handling_sets(codes: tuple[str, ...] = HANDLING_CODES) -> st.SearchStrategy[frozenset[str]]:
    """Sets of handling codes that mean something: H0 stands alone."""
    return st.frozensets(st.sampled_from(codes)).map(lambda drawn: drawn if len(drawn) < 2 else drawn - {"H0"})


@st.composite
def simple_markings(draw: st.DrawFn) -> Marking:
    """A marking as one author writes it: at most one ladder."""
    level = draw(st.integers(0, 4))
    ladder, label = draw(st.sampled_from([(None, None), *LADDERS[level]]))
    tlp = draw(st.sampled_from([None, *TLP_ORDER]))
    return Marking(level=level, ladder=ladder, label=label, handling=draw(handling_sets()), tlp=tlp)


def markings() -> st.SearchStrategy[Marking]:
    """A marking as it may stand on a product: the join of up to three."""
    return st.lists(simple_markings(), min_size=1, max_size=3).map(strictest)
