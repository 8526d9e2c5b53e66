"""Models that only the benchmarks know: what HyperML has to be compared with beyond the baselines of the package."""
