"""Infrared, by lircd."""
