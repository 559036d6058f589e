"""Views: parse the request, call one query or one action, render."""
