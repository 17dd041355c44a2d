"""The benchmarks: one module per line of the table (`python -m bench.NAME`), all by `python -m bench`.

Real daemons on this machine, or the simulator in this process. Peers and floors run in the same run, turn
about with what is measured. docs/BENCHMARKS.md says what each line means and how to read it.
"""
