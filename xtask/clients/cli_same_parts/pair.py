"""Runs a command with both programs and compares what they print."""
import json
import re

from checks import check

KINDS = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
    (r"\d{4}-\d\d-\d\d [\d:.]+ \+0000 UTC", "TIME"),
    (r"\d\d [A-Z][a-z]{2} \d\d \d\d:\d\d UTC", "TIME"),
    (r"\b[sb]\.[A-Za-z0-9_-]{20,}", "TOKEN"),
    (r"\b(auth_[a-z]+|kv|pki|system|token|identity|cubbyhole)_[a-z0-9]{8}\b(?<!accessor)(?<!duration)(?<!policies)(?<!username)", r"\1_ACCESSOR"),
    (r"\b(?=\w*[A-Z])(?=\w*[a-z])(?=\w*\d)[A-Za-z0-9]{20,}\b", "RANDOM"),
    (r"\b\d{10}\b", "SECONDS"),
    (r"\d+m\d+s|\d+h\d+m\d+s", "LIFE"),
)


class Pair:
    def __init__(self, reference, ours, shares):
        self.programs = {"p1": reference, "p2": ours}
        self.shares = shares

    def both(self, *words, code=None, only_code=False, **kw):
        """Both must end alike. `PP` in a word stands for a name of each one's own. Returns what each printed, as it was."""
        got = {}
        for name, program in self.programs.items():
            own = [self.own(word, name) for word in words]
            settings = {key: self.own(value, name) for key, value in kw.items()}
            got[name] = program.run(*own, **settings)
        (code_1, out_1, err_1), (code_2, out_2, err_2) = got["p1"], got["p2"]
        shown = common(alike(self, out_1, "p1"), alike(self, out_2, "p2"))
        same = code_1 == code_2 and (only_code or shown[0] == shown[1]) and (code is None or code == code_1)
        where = next((f"{a!r} / {b!r}" for a, b in zip(*(text.splitlines() + [""] for text in shown)) if a != b), "the length")
        check(" ".join(word if isinstance(word, str) else "..." for word in words), same, f"exit {code_1} / {code_2} (expected {code}); {where}; {err_1[:200]} / {err_2[:200]}")
        return {"p1": out_1.strip(), "p2": out_2.strip()}

    def own(self, word, name):
        """A word, or one of each, with each one's own name in it."""
        word = word[name] if isinstance(word, dict) else word
        return word.replace("PP", name) if isinstance(word, str) else word


def common(reference, ours):
    """JSON is compared by the fields that both have, whatever their order: the reference shows all that it has a place for."""
    try:
        found = json.loads(reference), json.loads(ours)
    except ValueError:
        return reference, ours
    return tuple(json.dumps(one, indent=1, sort_keys=True) for one in shared(*found))


def shared(one, other):
    if isinstance(one, dict) and isinstance(other, dict):
        pairs = {key: shared(one[key], other[key]) for key in one if key in other}
        return {key: pair[0] for key, pair in pairs.items()}, {key: pair[1] for key, pair in pairs.items()}
    return one, other


def alike(pair, text, name):
    """Without what differs from run to run. Cells and rules of tables are as wide as what they hold."""
    others = [other for other in pair.programs if other != name]
    if not text.startswith("{"):
        text = "".join(line for line in text.splitlines(True) if not any(line.startswith(other) for other in others))
    text = text.replace(name, "PP").replace(pair.programs[name].addr, "ADDR")
    for pattern, word in KINDS:
        text = re.sub(pattern, word, text)
    text = re.sub(r"(?m)^=+ (.*) =+$", r"= \1 =", text)
    return re.sub(r"(?m) +$", "", re.sub(r" {2,}", "  ", re.sub(r"-{3,}", "---", text)))
