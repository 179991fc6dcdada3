"""Findings of lesson 06."""
