"""The web face as a Django app."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Templates, static files and catalogues of the pages; it has no rows of its own."""

    name = "tansiq.node.web"
    label = "web"
