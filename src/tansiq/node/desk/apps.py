from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "tansiq.node.desk"
    label = "desk"
