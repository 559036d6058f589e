"""The integration API ``/api/v1/``: what other systems of the same authority call, each as a client with scopes and a rate.

Described by OpenAPI at ``/api/v1/openapi.json``. Every call ends in the same flow, policy and audit row as the page for it; none signs.
"""
