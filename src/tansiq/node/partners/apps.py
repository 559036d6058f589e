from django.apps import AppConfig


class PartnersConfig(AppConfig):
    name = "tansiq.node.partners"
    label = "partners"
