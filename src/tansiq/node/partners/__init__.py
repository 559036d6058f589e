"""Partners: the other nodes, their cards and keys, whom to call there, and the accords in force with them.

A partner is enrolled out of band: its card is brought as a file and its fingerprint is read aloud as words. Nothing is ever
trusted on first use. Later cards and revocations arrive as messages and are accepted only under the root key pinned then.
"""
