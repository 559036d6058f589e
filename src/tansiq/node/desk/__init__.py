"""What is due: one table of tasks that every room writes down to and every officer begins the day with.

A task is a code with facts (its title is a sentence of ``wording``), the circle or officer it concerns, when it is
due and where to go. The room that put it settles it by its key, when what it asked for has happened; an officer may
take a task, give it back, put it off until a time before it is due, or mark it done. No prose stands in the table,
and the facts are sealed.

::

    put ──▶ open ──settle / done──▶ settled ──put again (something new happened)──▶ open
            │  ▲
            └──┘ take · give back · snooze
"""
