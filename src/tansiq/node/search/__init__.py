"""Search: one box that asks the register, what was received, and the partners; every question is logged on both sides.

A question to a partner and its answer travel in envelopes like everything else, so they are signed, sealed, receipted and
repeated after a failure. What comes back is never a record: *hit*, *contact* or nothing, and a number under which a request may
cite the hit.
"""
