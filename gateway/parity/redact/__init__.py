"""Masks secrets and personal data before anything is stored."""
