"""The command line under test."""
import json
import os
import subprocess
import tempfile

from checks import check

SERVER, LOCAL = 2, 1


class Program:
    """Runs commands as one caller; `root` is set once there is a root token."""

    def __init__(self, path, addr, ca):
        self.path, self.addr, self.ca, self.root = path, addr, ca, ""
        self.home = tempfile.mkdtemp()
        self.is_ours = "strongroom" in os.path.basename(path)

    def run(self, *words, token=None, stdin=None, form="table", ca=None):
        """(exit code, standard output, standard error)"""
        env = {k: v for k, v in os.environ.items() if not k.startswith(("VAULT_", "BAO_", "STRONGROOM_"))}
        settings = {"ADDR": self.addr, "CACERT": ca or self.ca, "FORMAT": form, "TOKEN": self.root if token is None else token}
        env.update({f"{start}_{name}": value for start in ("VAULT", "BAO") for name, value in settings.items()})
        env["HOME"] = self.home
        done = subprocess.run([self.path, *words], env=env, input=stdin, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def good(self, *words, **kw):
        """Must exit with 0; its standard output."""
        code, out, err = self.run(*words, **kw)
        check(" ".join(words), code == 0, f"exit {code}: {out}{err}")
        return out

    def bad(self, *words, says="", code=SERVER, **kw):
        """Must fail with this exit code and this text."""
        got, out, err = self.run(*words, **kw)
        check(f"{' '.join(words)} must fail", got == code and says in out + err, f"want {code} {says!r}, got {got}: {out}{err}")

    def json(self, *words, **kw):
        return json.loads(self.good(*words, form="json", **kw))

    def field(self, name, *words, **kw):
        """One field, by the flag for that, which stands behind the command's words and before its arguments."""
        flags = next(i for i, w in enumerate(words) if w.startswith("-") or w in ("read", "write")) + (words[0] in ("read", "write"))
        return self.good(*words[:flags], f"-field={name}", *words[flags:], **kw).strip()
