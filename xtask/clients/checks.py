"""Counts checks and prints the closing line; shared by the Python scripts of the clients rig."""
import sys
import time

passed = failed = 0


def check(what, ok, detail=""):
    """One check; a failure is printed with its detail."""
    global passed, failed
    if ok:
        passed += 1
    else:
        failed += 1
        print(f"FAIL {what}: {str(detail)[:600]}")


def same(what, got, want):
    check(what, got == want, f"want {want!r}, got {got!r}")


def raises(what, error, call):
    """The call must raise this error."""
    try:
        got = call()
    except error:
        check(what, True)
    except Exception as other:  # any other error is a failure, not the end
        check(what, False, repr(other))
    else:
        check(what, False, f"no error; it gave {got!r}")


def soon(what, holds):
    """What comes about in the background: it must within ten seconds."""
    for _ in range(200):
        if holds():
            return check(what, True)
        time.sleep(0.05)
    check(what, False, "it did not come about")


def section(call, *words):
    """Runs a part and returns what it gives; an error in it is one failure, and the next part still runs."""
    try:
        return call(*words)
    except Exception as error:
        check(f"{call.__module__}.{call.__name__}", False, repr(error))


def close():
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
