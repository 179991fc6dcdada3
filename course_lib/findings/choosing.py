"""Findings of lesson 04."""
