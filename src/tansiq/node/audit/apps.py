from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "tansiq.node.audit"
    label = "audit"
