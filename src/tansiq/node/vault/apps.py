from django.apps import AppConfig


class VaultConfig(AppConfig):
    name = "tansiq.node.vault"
    label = "vault"
