"""The doors for machines: partners' nodes under /peer/v1/, health, and later the integration API."""
