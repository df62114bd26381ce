"""Budgets that layers, heads or scales share."""
