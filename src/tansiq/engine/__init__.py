"""Where the ideas live: values in, values out; no framework, database, network, wall clock or global state."""
