"""Bytes and their meaning: strict JSON, canonical JSON, ids, times and the field's code lists.

The lowest room of the engine above the errors. Everything that arrives from outside as JSON passes ``strict_json``;
everything that is signed or digested leaves by ``canonical``.
"""
