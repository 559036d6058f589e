from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    name = "tansiq.node.exchange"
    label = "exchange"
