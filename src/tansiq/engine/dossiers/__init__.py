"""Conversations between nodes that nobody can rewrite: signed entries, linked by digests, judged once.

``headers`` and ``parts`` are what an entry is made of, ``entries`` signs and verifies it, ``states`` and ``folds``
judge it in its causal past, ``kind`` is what a kind of dossier has to say, ``calendars`` counts statutory time.
"""
