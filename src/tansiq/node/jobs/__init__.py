"""The job table and its worker: what must happen after a transaction, and happens even if the process is killed.

An action that leaves work behind inserts a job row in its own transaction (:func:`actions.enqueue`); any number of
workers claim rows and call the handler registered for their name. A claim is a lock with an end: a worker that dies
loses it, and the job is claimed again. So a handler runs *at least* once and must be idempotent; it opens its own
transactions.

::

    waiting ──claim──▶ running ──finish──▶ done
       ▲                  │ ├──Unavailable, Conflict, crash──▶ waiting (later each time)
       │                  │ └──Rejected, Refused, Corrupt, too many crashes──▶ dead
       └────revive────────┼──────────────────────────────────────────────────────┘
                          └── lock ran out ──claim──▶ running

A key makes a job unique among those that wait, so that enqueuing twice is enqueuing once, while something that
happens during a run still gets a run of its own; two jobs of one key never run at the same time. Payloads hold
references, never content.
"""
