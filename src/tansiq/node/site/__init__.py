"""The roof: settings, URL map and server entry points of one node."""
