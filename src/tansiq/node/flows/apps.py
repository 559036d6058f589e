from django.apps import AppConfig


class FlowsConfig(AppConfig):
    name = "tansiq.node.flows"
    label = "flows"
