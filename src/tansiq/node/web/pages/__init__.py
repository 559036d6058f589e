"""From what a query gives to what a template shows: pure, one module for each page that needs more than the row."""
