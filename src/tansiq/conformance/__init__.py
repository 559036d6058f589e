"""The conformance kit: it plays two partners, good and hostile, against any implementation, and judges clause by clause.

It stands on the engine and an HTTP client alone, so that what it finds is found from outside::

    clauses   the numbered clauses of docs/protocol, each with its text
    keeping   the kit's folder: keys, cards and what must be remembered from run to run
    dossiers  a dossier as a played partner holds it, folded by the engine
    player    one partner: seals, forges, opens, receipts
    line      the doors of the node under test, over HTTP
    stage     one run: two players, the node's card, the time; the verbs in which checks are written
    checks/   one function a clause
    running   every check in order, and what became of it
    report    the table and the JSON
"""
