"""The demonstration: three national nodes on one machine, and a story played through their real interfaces.

``make demo`` runs it; everything it makes stands in one temporary folder and is gone when it ends. People, plates and numbers
are invented.
"""
