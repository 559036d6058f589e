"""The conformance kit against this node."""
