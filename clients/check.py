"""What the Python clients have in common: checks that are reported one a line."""

import sys
from contextlib import contextmanager

failures = 0


@contextmanager
def check(name):
    global failures
    try:
        yield
        print(f"ok {name}")
    except Exception as error:
        failures += 1
        # servicestack hides the cause in an exception of its own.
        print(f"FAIL {name}: {getattr(error, 'inner_exception', error)!r}")


def equal(actual, expected):
    if actual != expected:
        raise AssertionError(f"{actual!r} instead of {expected!r}")


def raised(exception, call):
    """What a call that must fail raises."""
    try:
        answer = call()
    except exception as error:
        return error
    raise AssertionError(f"{answer!r} instead of {exception.__name__}")


def finish():
    sys.exit(failures > 0)
