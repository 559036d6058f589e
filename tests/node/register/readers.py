"""Readers that fail, for other processes: no import of Django, which those do not set up."""

from __future__ import annotations

import os
from typing import NoReturn

from tansiq.engine.entities.lists import FtmPieces, Piece
from tansiq.engine.errors import Rejected


class Refusing(FtmPieces):
    """Refuses every piece."""

    def read(self, piece: Piece) -> NoReturn:
        raise Rejected("list.not_this_list", root="x", expected="y")


class Dying(FtmPieces):
    """Takes its process with it."""

    def read(self, piece: Piece) -> NoReturn:
        os._exit(9)
