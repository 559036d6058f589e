from django.apps import AppConfig


class ClientsConfig(AppConfig):
    name = "tansiq.node.clients"
    label = "clients"
