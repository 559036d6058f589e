from django.apps import AppConfig


class RegisterConfig(AppConfig):
    name = "tansiq.node.register"
    label = "register"
