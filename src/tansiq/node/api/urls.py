"""Addresses for machines."""

from __future__ import annotations

from django.urls import path

from tansiq.node.api import peer

urlpatterns = [
    path("peer/v1/envelopes", peer.envelopes),
    path("peer/v1/receipts", peer.receipts),
    path("peer/v1/pull", peer.pull),
    path("health", peer.health),
]
