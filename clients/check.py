"""Helpers of the Python clients: checks, each reported on one line."""

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
        # servicestack wraps the cause in its own exception.
        print(f"FAIL {name}: {getattr(error, 'inner_exception', error)!r}")


def equal(actual, expected):
    if actual != expected:
        raise AssertionError(f"{actual!r} instead of {expected!r}")


def raised(exception, call):
    """The exception of a call that must fail."""
    try:
        answer = call()
    except exception as error:
        return error
    raise AssertionError(f"{answer!r} instead of {exception.__name__}")


def finish():
    sys.exit(failures > 0)
