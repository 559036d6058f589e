"""Machines of this authority that use the integration API: who they are, what they may ask, how often, and what is told to them.

A client acts through an account of its own in a unit, so every policy, circle and log row is the same as for an officer
of that unit; nobody can sign in with that account. What a client may call is further narrowed by its scopes. It signs
nothing: what it drafts, an officer takes over.
"""
