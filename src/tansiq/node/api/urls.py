"""Addresses for machines."""

from __future__ import annotations

from django.urls import path

from tansiq.node.api import peer
from tansiq.node.api.integration.api import api, nowhere

urlpatterns = [
    path("peer/v1/envelopes", peer.envelopes),
    path("peer/v1/receipts", peer.receipts),
    path("peer/v1/pull", peer.pull),
    path("peer/v1/blobs/read", peer.read_blob),
    path("peer/v1/blobs/write", peer.write_blob),
    path("health", peer.health),
    path("api/v1/", api.urls),
    path("api/<path:rest>", nowhere),
]
