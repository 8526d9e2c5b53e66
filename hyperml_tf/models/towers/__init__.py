"""Towers: layers that map raw ids to points of the Poincaré ball."""
