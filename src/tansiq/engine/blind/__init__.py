"""Questions that hide what is asked: an oblivious pseudorandom function, and filters of what it makes of a register.

``group`` is ristretto255 as libsodium has it. ``oprf`` is RFC 9497 over it, in the modes OPRF and VOPRF. ``batches``
hides how much is asked. ``filters`` holds what a partner may hit, in about five and a half bytes a key.
"""
