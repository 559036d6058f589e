"""The vault: the node's keys while it runs, and the columns that are sealed at rest with them.

Nothing of a case may be read from the database file, a dump or a backup. So every column that holds content is a sealed column
(:mod:`tansiq.node.vault.columns`), encrypted with a storage key that lies in ``secrets.age`` under a passphrase which officers
enter at start. A process receives the unsealed keys once, at its start, and keeps them in memory
(:mod:`tansiq.node.vault.keys`). What root on a running host can take is stated in the threat model.
"""
