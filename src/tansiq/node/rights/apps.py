from django.apps import AppConfig


class RightsConfig(AppConfig):
    name = "tansiq.node.rights"
    label = "rights"
