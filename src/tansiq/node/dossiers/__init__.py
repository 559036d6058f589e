"""Dossiers: the conversations with partners as this node holds them, and what is only this node's own around them.

Shared: dossiers, their entries and parts, exactly as signed. Own: drafts and approvals, cases, references, internal notes, who has
opened what. Only ``flows`` appends entries.
"""
