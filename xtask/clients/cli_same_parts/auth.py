"""Auth methods and logins."""


def methods(pair):
    both = pair.both
    both("auth", "enable", "-path=PP-people", "-description=people", "userpass", code=0)
    both("auth", "enable", "-path=PP-people", "userpass", code=2)
    both("auth", "enable", "nosuch", code=2)
    both("auth", "tune", "-default-lease-ttl=2h", "-user-lockout-threshold=7", "PP-people", code=0)
    both("auth", "tune", "PP-none", code=2)
    both("auth", "list", code=0)
    both("auth", "list", "-format=json", code=0)
    both("auth", "list", token="", code=2)
    both("auth", "enable", "-path=PP-from", "userpass", code=0)
    both("auth", "move", "auth/PP-from", "auth/PP-to", code=0)
    both("auth", "move", "auth/PP-none", "auth/PP-other", code=2)
    both("auth", "disable", "PP-to", code=0)
    both("auth", "help", "PP-none", code=None)


def logins(pair):
    both = pair.both
    both("write", "auth/PP-people/users/ann", "password=-", "token_policies=default", stdin="hunter2", code=0)
    login = ("login", "-method=userpass", "-path=PP-people")
    # Where the token is kept is each program's own text, on standard output there.
    both(*login, "username=ann", "password=hunter2", only_code=True, code=0)
    both(*login, "-field=token_policies", "username=ann", "password=hunter2", code=0)
    both(*login, "-no-print", "username=ann", "password=hunter2", code=0)
    both(*login, "-token-only", "username=ann", "password=hunter2", code=0)
    both(*login, "username=ann", "password=wrong", code=2)
    both(*login, "-non-interactive", "username=ann", code=2)
    both(*login, "password=hunter2", code=2)
    both("login", "-non-interactive", code=2)
    both("login", "-method=nosuch", code=1)
    both("login", "s.nothing", code=2)
    both("token", "lookup", "-field=display_name", token="", code=0)
