"""Kills, full and read-only disks, damaged and vanished files, broken tables, counted. The exit status is 1 after anything bad.

    python benchmarks/robustness [--kills 2] [--commands train export tune update] [--disks 3] [--tables 2000] [--damage 60]

`make robust` runs this short form.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import damage
import full_disks
import kills
import misuse
import tables
import unusable


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=2, help="kills of each command")
    parser.add_argument("--commands", nargs="+", default=kills.COMMANDS, help="what is killed")
    parser.add_argument("--tables", type=int, default=2000, help="tables to read")
    parser.add_argument("--damage", type=int, default=60, help="damaged runs and exports")
    parser.add_argument(
        "--disks",
        type=int,
        default=3,
        help="full disks for each command; 0 leaves out read-only ones, too",
    )
    parser.add_argument("--misuse", metavar="MODULES", help="modules to call wrongly, such as `losses|geometry`; slow")
    parser.add_argument("--seed", type=int, default=0, help="random seed; each case can be repeated by it")
    asked = parser.parse_args()
    logging.getLogger("hyperml_tf").setLevel(logging.ERROR)
    bad = 0
    for part in (
        # First, because it forks, which a process may not do once TensorFlow has computed something.
        lambda: [misuse.walk(asked.misuse)] if asked.misuse is not None else [],
        lambda: [tables.fuzz(asked.tables, asked.seed)] if asked.tables else [],
        lambda: [damage.fuzz(asked.damage, asked.seed)] if asked.damage else [],
        lambda: [full_disks.fill(asked.disks)] if asked.disks else [],
        lambda: unusable.walk() if asked.disks else [],
        lambda: kills.kill(asked.kills, asked.seed, asked.commands) if asked.kills else [],
    ):
        for counts in part():
            if counts is not None:
                counts.show()
                bad += counts.bad
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
