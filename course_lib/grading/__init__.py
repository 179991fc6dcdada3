"""Grading: submissions shut in, asked, and judged outside; a gradebook that nobody else writes."""
