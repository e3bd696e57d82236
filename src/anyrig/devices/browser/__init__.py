"""Headless Chromium."""
