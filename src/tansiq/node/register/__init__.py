"""The register: what this authority knows, as subjects made of statements with provenance.

A subject is a row with a circle (who needs to know it) and a discoverability (what others may find of it); what is
said about it are statement rows, each with its source, grading, conditions and review date. Everything that could name
a person is sealed at rest. Subjects come from officers (``actions``), from lists (``importing``) and from what
partners sent (``actions.store_received``); nothing is merged: that two subjects are one person is the judgement of a
named officer, and can be undone.

Whoever keeps an index of the register follows ``RegisterChange`` by number (``queries.subjects_for_index``); the index
of this process is ``index.holder()``.
"""
