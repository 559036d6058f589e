"""Append-only logs that nobody can rewrite unseen: Merkle trees, proofs, signed checkpoints and countersignatures."""
