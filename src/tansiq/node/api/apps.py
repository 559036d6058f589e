from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "tansiq.node.api"
    label = "api"
