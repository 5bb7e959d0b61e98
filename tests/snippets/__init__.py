"""Runs the snippets of README.md and docs/: finds them, and knows what each language means, but no page."""
