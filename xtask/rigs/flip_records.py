#!/usr/bin/env python3
"""Flips one random bit in the value of the stored record of each named secret; the server must be stopped.

    flip_records.py DATABASE SEED '["name", ...]'

Names at rest are clear, so a record is found by its key. Prints how many records were changed.
"""
import json
import random
import sqlite3
import sys

database, seed, names = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
rng = random.Random(seed)
db = sqlite3.connect(database)
changed = 0
for name in names:
    rows = db.execute("SELECT key, value FROM record WHERE instr(key, ?) > 0", (name.encode(),)).fetchall()
    for key, value in rows[:1]:
        at = rng.randrange(len(value))
        flipped = value[:at] + bytes([value[at] ^ (1 << rng.randrange(8))]) + value[at + 1 :]
        changed += db.execute("UPDATE record SET value = ? WHERE key = ?", (flipped, key)).rowcount
db.commit()
db.close()
print(changed)
