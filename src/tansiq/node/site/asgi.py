"""The server's entry point: ``uvicorn tansiq.node.site.asgi:application``."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tansiq.node.site.settings")
application = get_asgi_application()
