"""Flows: the journeys across rooms. Officers' acts enter at :func:`tansiq.node.flows.act.act`, the network at ``incoming``.

An officer acts → the kind checks the act → ``decide`` → (approval) → an entry is signed and appended → it is owed to each participant →
delivery seals it → the partner verifies, stores and receipts → opens → judges → projects → matches its subjects → puts tasks on desks
→ somebody acts.

Only this room appends entries. Every step leaves, in its own transaction, the row from which the next goes on.
"""
