from django.apps import AppConfig


class DeconflictionConfig(AppConfig):
    name = "tansiq.node.deconfliction"
    label = "deconfliction"
