"""What can be imported: published lists by name, and lists of one's own that bring their name with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import IO

from tansiq.engine.entities.lists import (
    OFAC_CONSOLIDATED,
    OFAC_ENHANCED,
    OFAC_SDN,
    UN_LIST,
    CsvMapping,
    FtmPieces,
    ListRow,
    is_list_key,
    ofac_form,
    read_ftm,
    read_mapped_csv,
    read_ofac_csv,
    read_ofac_enhanced,
    read_ofac_xml,
    read_un_list,
)
from tansiq.engine.errors import Rejected

HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class ListFormat:
    """A list that can be imported: its key, what it is called, and its reader.

    ``pieces`` is how a long file is read by several processes at once, where the format allows it.
    """

    key: str
    names: Mapping[str, str]
    read: Callable[[IO[bytes]], Iterator[ListRow]]
    pieces: FtmPieces | None = None


FORMATS: dict[str, ListFormat] = {
    UN_LIST: ListFormat(
        UN_LIST,
        {
            "ar": "القائمة الموحّدة لمجلس الأمن التابع للأمم المتحدة",
            "fr": "Liste récapitulative du Conseil de sécurité de l’ONU",
            "en": "UN Security Council Consolidated List",
            "it": "Elenco consolidato del Consiglio di sicurezza dell’ONU",
            "fa": "فهرست یکپارچهٔ شورای امنیت سازمان ملل متحد",
        },
        read_un_list,
    ),
    OFAC_SDN: ListFormat(
        OFAC_SDN,
        {
            "ar": "قائمة الخزانة الأمريكية (OFAC) للمدرجين خصيصاً",
            "fr": "Liste SDN de l’OFAC (Trésor des États-Unis)",
            "en": "OFAC Specially Designated Nationals (US Treasury)",
            "it": "Elenco SDN dell’OFAC (Tesoro degli Stati Uniti)",
            "fa": "فهرست SDN خزانه‌داری ایالات متحده (OFAC)",
        },
        read_ofac_csv,
    ),
    OFAC_CONSOLIDATED: ListFormat(
        OFAC_CONSOLIDATED,
        {
            "ar": "القائمة الموحّدة للخزانة الأمريكية (OFAC) من غير المدرجين خصيصاً",
            "fr": "Liste consolidée hors SDN de l’OFAC (Trésor des États-Unis)",
            "en": "OFAC consolidated non-SDN list (US Treasury)",
            "it": "Elenco consolidato non SDN dell’OFAC (Tesoro degli Stati Uniti)",
            "fa": "فهرست یکپارچهٔ غیر SDN خزانه‌داری ایالات متحده (OFAC)",
        },
        read_ofac_xml,
    ),
    OFAC_ENHANCED: ListFormat(
        OFAC_ENHANCED,
        {
            "ar": "قوائم الخزانة الأمريكية (OFAC) بالأسماء بخطّها الأصلي",
            "fr": "Listes de l’OFAC (Trésor des États-Unis), noms en écriture d’origine",
            "en": "OFAC lists with original scripts (US Treasury)",
            "it": "Elenchi dell’OFAC (Tesoro degli Stati Uniti) con le scritture originali",
            "fa": "فهرست‌های خزانه‌داری ایالات متحده (OFAC) با نام‌ها به خط اصلی",
        },
        read_ofac_enhanced,
    ),
}


def ofac_xml_format(head: bytes, *, list_key: str = "") -> ListFormat:
    """The format of an OFAC XML file from its first bytes.

    An ``sdnList`` may hold the SDN or the consolidated list and does not say which: ``list_key`` keeps another one
    apart. Raises Rejected("list.not_this_list") or what ``_own_key`` raises.
    """
    known = FORMATS[OFAC_CONSOLIDATED if ofac_form(head) == "sdnList" else OFAC_ENHANCED]
    if not list_key or list_key == known.key:
        return known
    reader = read_ofac_xml if known.key == OFAC_CONSOLIDATED else read_ofac_enhanced
    return ListFormat(_own_key(list_key), {}, partial(reader, list_key=list_key))


def ftm_format(list_key: str, names: Mapping[str, str] | None = None) -> ListFormat:
    """A file of FollowTheMoney entities as the list ``list_key``."""
    key = _own_key(list_key)
    return ListFormat(key, dict(names or {}), partial(read_ftm, list_key=key), FtmPieces(key))


def csv_format(mapping: CsvMapping) -> ListFormat:
    """A CSV file as the list that its mapping names."""
    return ListFormat(_own_key(mapping.list_key), dict(mapping.names), partial(read_mapped_csv, mapping=mapping))


def _own_key(list_key: str) -> str:
    """The key, if it can name a list of one's own: Rejected("register.unknown_list_key") or
    Rejected("register.list_of_another_format") where it is a published list's.
    """
    if not is_list_key(list_key):
        raise Rejected("register.unknown_list_key", list=list_key[:40])
    if list_key in FORMATS:
        raise Rejected("register.list_of_another_format", list=list_key)
    return list_key
