"""Envelopes: how things travel between nodes, and by which keys.

``age`` seals, ``signing`` and ``dsse`` sign; ``cards`` say which keys a node has, ``words`` lets two people compare a
root key by telephone; ``manifest`` stands outside of an envelope and ``bodies`` inside, ``sealing`` puts both
together and takes them apart; ``receipts`` answer, ``sequences`` count. Nothing here reads a clock, a disk or a
network.
"""
