"""A relay: stores sealed envelopes for nodes that cannot reach each other at the moment, and forwards them when they ask.

It opens nothing: it has no key of any node. It checks of an envelope all that can be checked without one, answers with its own signed
word that it holds it, gives it to whom it is for, and brings the receipt back. What it learns is written in docs/protocol/relay.md and
stands in ``store.SCHEMA``: who writes to whom, when, how long (padded), under which keys. It is a program of its own beside a node:
one folder, one SQLite file, one key.
"""
