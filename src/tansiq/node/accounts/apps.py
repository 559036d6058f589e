from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "tansiq.node.accounts"
    label = "accounts"

    def ready(self) -> None:
        from tansiq.node.accounts import signing_in

        signing_in.connect()
