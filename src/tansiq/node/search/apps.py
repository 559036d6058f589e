from django.apps import AppConfig


class SearchConfig(AppConfig):
    name = "tansiq.node.search"
    label = "search"
