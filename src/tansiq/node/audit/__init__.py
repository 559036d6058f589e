"""The two logs of a node, and what partners hold of them.

Whoever acts calls :func:`tansiq.node.audit.actions.record` inside the acting transaction: one unsequenced row, so an
act and its mark are there together or not at all. One sequencer (:func:`actions.sequence`, a database lock sees to it
that it is one) numbers the rows in batches, appends their leaf hashes to the tree's tiles and, outside that
transaction, signs a checkpoint.

* ``exchange`` – what passed between nodes. Its checkpoints travel in envelopes and receipts with consistency proofs;
partners
  keep and countersign them, and we theirs.
* ``internal`` – reads, searches, denials, exports: nobody else's business, checkpointed at fixed intervals.

A leaf is the event's header – codes and opaque ids – with a salted commitment in the place of its facts. Salt and
facts stand in one sealed column that can be erased; header, number and commitment stay, and the log still verifies.
"""
