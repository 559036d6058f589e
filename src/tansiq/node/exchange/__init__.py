"""Exchange: how items reach a partner exactly once, provably, whatever dies on the way.

**Out.** An act of an officer writes *items* in its own transaction (:func:`actions.queue`): one row per partner and item, so
what is owed to a partner is simply what the table still holds. The delivery loop takes a *lease* on the link to one partner,
gathers its waiting items into one sealed *envelope* with the next pairwise sequence number, stores the envelope, and only
then sends it. A crash before the store leaves waiting items; a crash after it leaves a stored envelope, which is sent again byte
for byte. The signed *receipt* that comes back is stored with the envelope and ends the items; the sealed bytes go, manifest and
digest stay.

**In.** :func:`accepting.accept` checks an arriving envelope in the order of the protocol (cheapest first), stores it and its receipt
in one transaction together with the job that will open it, and answers with the receipt. The same envelope again gets the
same receipt again. Opening happens later, in the worker, by ``flows.incoming``.

**Who dials.** A partner with an address is pushed to. A partner that can only dial out fetches what waits for it
(:mod:`tansiq.node.exchange.pulling`) and brings its receipts back the same way.

Transport failures are always retried, with growing pauses; functional refusals (a signed receipt that says *refused*) never: they go
to an officer's desk.
"""
