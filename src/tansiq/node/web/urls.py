"""Addresses of the pages."""

from __future__ import annotations

from django.conf import settings
from django.urls import path

from tansiq.node.web.views import preferences

urlpatterns = [
    path("language/", preferences.choose_language, name="language"),
]

if settings.DEBUG or settings.NODE.demo:
    from tansiq.node.web.views import styleguide

    urlpatterns += [path("styleguide/", styleguide.show, name="styleguide")]
