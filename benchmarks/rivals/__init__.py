"""Rival models for the benchmarks, in addition to the baselines of the package."""
