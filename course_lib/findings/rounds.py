"""Findings of lesson 05."""
