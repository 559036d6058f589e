"""The map of addresses: partners' machines under /peer/, people everywhere else."""

from __future__ import annotations

import importlib.util

from django.urls import include, path

urlpatterns = []
if importlib.util.find_spec("tansiq.node.api"):
    urlpatterns.append(path("", include("tansiq.node.api.urls")))
if importlib.util.find_spec("tansiq.node.web") and importlib.util.find_spec("tansiq.node.web.urls"):
    urlpatterns.append(path("accounts/", include("tansiq.node.web.account_urls")))
    urlpatterns.append(path("", include("tansiq.node.web.urls")))
    handler400 = "tansiq.node.web.errors.bad_request"
    handler403 = "tansiq.node.web.errors.forbidden"
    handler404 = "tansiq.node.web.errors.not_found"
    handler429 = "tansiq.node.web.errors.too_many"  # django-allauth's own limit asks for it
    handler500 = "tansiq.node.web.errors.server_error"
