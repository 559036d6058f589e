"""Public lists of wanted, designated or sanctioned persons and organisations, read as statements.

One module per format. Each is a generator that yields a ``ListHeader`` first, then ``ListRecord`` and ``RowProblem``
in the order of the file; it keeps one row in memory, never the file. What is damaged is reported by place and rule and
costs the least it can: a value, else a row, else (not well formed, wrong list, beyond a limit) the whole file, by
``Rejected``.
"""

from tansiq.engine.entities.lists.csv_mapping import CsvMapping, read_csv_mapping
from tansiq.engine.entities.lists.ftm import FtmPieces, FtmWhole, Piece, PieceCounts, PieceRead, read_ftm, repeated
from tansiq.engine.entities.lists.keys import is_list_key
from tansiq.engine.entities.lists.mapped_csv import read_mapped_csv
from tansiq.engine.entities.lists.ofac_csv import OFAC_SDN, read_ofac_csv
from tansiq.engine.entities.lists.ofac_enhanced import OFAC_ENHANCED, read_ofac_enhanced
from tansiq.engine.entities.lists.ofac_xml import OFAC_CONSOLIDATED, ofac_form, read_ofac_xml
from tansiq.engine.entities.lists.records import ListHeader, ListLimits, ListRecord, ListRow, RowProblem
from tansiq.engine.entities.lists.un import UN_LIST, read_un_list

__all__ = [
    "OFAC_CONSOLIDATED",
    "OFAC_ENHANCED",
    "OFAC_SDN",
    "UN_LIST",
    "CsvMapping",
    "FtmPieces",
    "FtmWhole",
    "ListHeader",
    "ListLimits",
    "ListRecord",
    "ListRow",
    "Piece",
    "PieceCounts",
    "PieceRead",
    "RowProblem",
    "is_list_key",
    "ofac_form",
    "read_csv_mapping",
    "read_ftm",
    "read_mapped_csv",
    "read_ofac_csv",
    "read_ofac_enhanced",
    "read_ofac_xml",
    "read_un_list",
    "repeated",
]
