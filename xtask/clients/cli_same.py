#!/usr/bin/env python3
"""The reference's command line and ours under its name, with the same commands, against one server: exit codes and output must be alike.

    cli_same.py REFERENCE OURS ADDR CA_FILE

Texts on standard error are each program's own. What may differ on standard output is written beside the command.
"""
import os
import sys
import tempfile

from checks import check, close, section
from cli_parts import start
from cli_parts.program import Program
from cli_same_parts import AREAS
from cli_same_parts.pair import Pair

reference, ours, addr, ca = sys.argv[1:5]
alias = os.path.join(tempfile.mkdtemp(), "bao")
os.symlink(os.path.abspath(ours), alias)
first = Program(reference, addr, ca)
shares = section(start.first_start, first)
if shares is None:
    check("everything behind the first start", False, "not run")
    close()
second = Program(alias, addr, ca)
second.root = first.root
pair = Pair(first, second, shares)
for area in AREAS:
    section(area, pair)
close()
