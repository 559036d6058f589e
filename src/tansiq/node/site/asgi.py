"""The server's entry point: ``uvicorn tansiq.node.site.asgi:application``."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tansiq.node.site.settings")
_django = get_asgi_application()  # the rooms can be imported from here on

from tansiq.node.api.bounds import bounded  # noqa: E402

application = bounded(_django)
