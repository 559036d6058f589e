from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "tansiq.node.jobs"
    label = "jobs"
