"""Every component on one page, in the language of the page: for whoever builds pages, and for eyes that check them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tansiq.engine.accords.markings import Marking
from tansiq.node.web.forms.place import PlaceForm
from tansiq.node.web.languages import language_now
from tansiq.node.web.pages.place import home_state, place_shown, place_told

NOW = datetime(2026, 11, 22, 2, 12, tzinfo=UTC)
SAMPLES: dict[str, dict[str, str]] = {
    "ar": {
        "title": "دليل المكوّنات",
        "lead": "كل مكوّن من مكوّنات الصفحات، كما يراه من يعمل في الثالثة فجراً.",
        "received": "استُلم الطلب",
        "assigned": "أُسند إلى وحدة مكافحة المخدرات",
        "refused": "رُفض جزئياً",
        "text": "يُرجى التحقق من صلة محمد الشريف (Mohamed Chérif) بالهاتف +212 661 23 45 67 وبالسفينة IMO 9074729.",
        "unit": "المديرية العامة للأمن الوطني",
        "purpose": "الغرض من الطلب",
        "purpose_help": "ما الذي ستفعله بالجواب؟ يقرؤه الشريك قبل أي شيء آخر.",
        "urgent": "الطلب مستعجل",
        "choose": "الشركاء الذين يُسألون",
        "missing": "هذا الحقل إلزامي.",
    },
    "fr": {
        "title": "Guide des composants",
        "lead": "Chaque composant des pages, tel que le voit celui qui travaille à trois heures du matin.",
        "received": "Demande reçue",
        "assigned": "Attribuée à l’unité de lutte contre les stupéfiants",
        "refused": "Refusée en partie",
        "text": "Merci de vérifier le lien de Mohamed Chérif (محمد الشريف) avec le +212 661 23 45 67 et l’IMO 9074729.",
        "unit": "Direction nationale de la police judiciaire",
        "purpose": "But de la demande",
        "purpose_help": "Que ferez-vous de la réponse ? C’est la première chose que le partenaire lira.",
        "urgent": "La demande est urgente",
        "choose": "Partenaires interrogés",
        "missing": "Ce champ est obligatoire.",
    },
    "en": {
        "title": "Component guide",
        "lead": "Every component of the pages, as somebody sees it who is at work at three in the morning.",
        "received": "Request received",
        "assigned": "Assigned to the drug unit",
        "refused": "Refused in part",
        "text": "Please verify the link of Mohamed Chérif (محمد الشريف) to +212 661 23 45 67 and to IMO 9074729.",
        "unit": "National directorate of judicial police",
        "purpose": "Purpose of the request",
        "purpose_help": "What will you do with the answer? It is the first thing your partner reads.",
        "urgent": "The request is urgent",
        "choose": "Partners to be asked",
        "missing": "This field is required.",
    },
}


def show(request: HttpRequest) -> HttpResponse:
    """The page itself; its times stand still, so that its picture does too."""
    words = SAMPLES.get(language_now(), SAMPLES["en"])
    messages.success(request, words["received"])
    return render(request, "web/styleguide.html", _context(words))


def _context(words: dict[str, str]) -> dict[str, Any]:
    strict = Marking(2, "fr", "Secret", frozenset({"H1", "H2", "H3"}), "AMBER+STRICT")
    form = _form(words)({"purpose": "", "reference": "2026/04417", "partners": ["ma"]})
    form.is_valid()
    place = PlaceForm(
        {"shape": "route", "points": "35.7595, -5.8340\n35.7721, -5.8052\n35.7878, -5.8129", "buffer_m": 200}
    )
    return {
        "words": words,
        "now": NOW,
        "calendar": "hijri",
        "deadlines": [
            NOW - timedelta(hours=3, minutes=11),
            NOW + timedelta(minutes=95),
            NOW + timedelta(hours=7),
            NOW + timedelta(days=2, hours=4),
        ],
        "plain_marking": Marking(0, None, None, frozenset({"H0"}), "GREEN"),
        "careful_marking": Marking(1, None, None, frozenset({"H1", "H2"}), "AMBER"),
        "strict_marking": strict,
        "note": words["text"][:60],
        "names": ["محمد الشريف", "Mohamed Chérif", "Мохаммед аш-Шариф", "Μοχάμεντ"],
        "digest": "9f2c41d07be35a8846cc0f6a1de2b97350e1f4c8ab3d6275910ce8f7a6b4d310",
        "mrz": "P<MARALSHARIF<<MOHAMED<<<<<<<<<<<<<<<<<<<<<<\nAB1234567<4MAR8001014M3001019<<<<<<<<<<<<<<06",
        "entries": _entries(words, strict),
        "steps": _steps(),
        "rows": [words["text"]] * 3,
        "page": Paginator(range(60), 20).page(2),
        "form": form,
        "place_form": place,
        "place_told": place_told(place),
        "place_shown": place_shown(place.drawn),
        "map_home": home_state(),
        "layout": "web/base.html",
    }


def _entries(words: dict[str, str], marking: Marking) -> list[dict[str, Any]]:
    return [
        {
            "title": words["received"],
            "by": words["unit"],
            "occurred_at": NOW - timedelta(hours=9),
            "recorded_at": NOW - timedelta(hours=8, minutes=58),
            "icon": "envelope-check",
            "tone": "info",
            "body": words["text"],
            "marking": marking,
            "delivery": _steps(),
        },
        {
            "title": words["assigned"],
            "by": words["unit"],
            "occurred_at": NOW - timedelta(hours=7),
            "icon": "people",
            "tone": "plain",
        },
        {
            "title": words["refused"],
            "by": "Ministère de la Justice",
            "occurred_at": NOW - timedelta(hours=1),
            "icon": "slash-circle",
            "tone": "careful",
            "flags": ["art. 6(1)(b)"],
        },
    ]


def _steps() -> list[dict[str, Any]]:
    at = NOW - timedelta(hours=9)
    return [
        {"label": "MA", "state": "done", "at": at, "proof": "9f2c41d07be35a88"},
        {"label": "IT", "state": "waiting"},
        {"label": "TN", "state": "failed", "text": "receipt.refused"},
    ]


def _form(words: dict[str, str]) -> type[forms.Form]:
    class Sample(forms.Form):
        use_required_attribute = False
        purpose = forms.CharField(
            label=words["purpose"],
            help_text=words["purpose_help"],
            widget=forms.Textarea(attrs={"rows": 3}),
            error_messages={"required": words["missing"]},
        )
        reference = forms.CharField(label="N°", required=False, widget=forms.TextInput(attrs={"dir": "ltr"}))
        area = forms.ChoiceField(label=words["refused"], choices=[("a", words["received"]), ("b", words["assigned"])])
        partners = forms.MultipleChoiceField(
            label=words["choose"],
            choices=[("ma", "المغرب – Maroc"), ("it", "Italia"), ("fr", "France")],
            widget=forms.CheckboxSelectMultiple,
        )
        urgent = forms.BooleanField(label=words["urgent"], required=False)

    return Sample
