"""What permits exchange: markings, the terms of an accord, and the one pure function that answers for both sides.

``markings`` is the order of strictness, ``terms`` is what partners agree on and what a reservation may tighten,
``decide`` answers *permit*, *refuse* or *needs this approval* and always cites the clause.
"""
