"""Findings of lesson 02."""
