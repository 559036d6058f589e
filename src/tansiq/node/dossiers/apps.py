from django.apps import AppConfig


class DossiersConfig(AppConfig):
    name = "tansiq.node.dossiers"
    label = "dossiers"
