from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "tansiq.node.accounts"
    label = "accounts"
