"""Public lists of wanted, designated or sanctioned persons and organisations, read as statements.

One module per format. Each is a generator that yields a ``ListHeader`` first, then ``ListRecord`` and ``RowProblem``
in the order of the file; it keeps one row in memory, never the file. What is damaged is reported by place and rule and
costs the least it can: a value, else a row, else (not well formed, wrong list, beyond a limit) the whole file, by
``Rejected``.
"""

from tansiq.engine.entities.lists.records import ListHeader, ListLimits, ListRecord, ListRow, RowProblem
from tansiq.engine.entities.lists.un import UN_LIST, read_un_list

__all__ = ["UN_LIST", "ListHeader", "ListLimits", "ListRecord", "ListRow", "RowProblem", "read_un_list"]
