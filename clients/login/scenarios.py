"""Runs an example from docs/examples as a program, and checks that it follows every rule in docs/users-table.md.

    scenarios.py DYNAMODB_URL COMMAND...

COMMAND gets a user name as its last argument, and passwords on its standard input."""

import base64
import hashlib
import os
import struct
import subprocess
import sys
import time

import argon2
import boto3

URL, COMMAND = sys.argv[1], sys.argv[2:]
assert URL.startswith("http://"), "only for the DynamoDB of a test, not for AWS"
ENVIRONMENT = {
    "AWS_ENDPOINT_URL_DYNAMODB": URL, "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "USERS_TABLE": "Users",
}
os.environ.update(ENVIRONMENT)
users = boto3.resource("dynamodb").Table("Users")
hasher = argon2.PasswordHasher(memory_cost=19456, time_cost=2, parallelism=1)

NOW = int(time.time())
PASSWORD, TEMPORARY, NEW = "lamp-Sodium-4417", "rain-Gutter-3310", "tin-Harbor-5521"
HASH = hasher.hash(PASSWORD)
SALT = b"0123456789abcdef"


def login(name, password=PASSWORD, new="", **environment):
    result = subprocess.run([*COMMAND, name], input=f"{password}\n{new}\n", text=True, capture_output=True,
                            env=os.environ | environment, check=False)
    return result.stdout.strip() or result.stderr.strip().split("\n")[-1]


def put(username="maria", **attributes):
    users.put_item(Item={"username": username, "id": 2**63 - 1, "version": 7, "password_hash": HASH, **attributes})


def item(username="maria"):
    return users.get_item(Key={"username": username}, ConsistentRead=True)["Item"]


def temporary(seconds=3600):
    return {"hash": hasher.hash(TEMPORARY), "expires_at": NOW + seconds, "request_id": "r"}


def only_the_right_password_is_valid():
    put()
    equal(login("maria"), "valid")
    equal(login("maria", TEMPORARY), "wrong")
    equal(login("nobody"), "wrong")
    equal(login("nobody", RESET_MODE="dual"), "wrong")
    put(password_hash=None)
    equal(login("maria", ""), "wrong")


def every_spelling_of_a_name_is_the_same_account():
    for username, spellings in {
        "maria": ["  MARIA\t", "ＭＡＲＩＡ", "maria\u3000", "\x85maria"],
        "\u01f0ane": ["J\u030cane", "j\u030cANE"],
        "ren\u00e9": ["RENE\u0301", "Ren\u00c9"],
        "\u03bf\u03b4\u03cc\u03c2": ["\u039f\u0394\u038c\u03a3"],
        "i\u0307zmir": ["\u0130zmir"],
        "x" * 256: ["X" * 256],
    }.items():
        put(username)
        for spelling in spellings:
            equal(login(spelling), "valid")
    for name in ["ma\x01ria", "\x1cmaria", "\ufeffmaria", "x" * 257, "", " "]:
        equal(login(name), "wrong")


def disabled_accounts_cannot_log_in():
    put(disabled=True, temporary=temporary())
    equal(login("maria"), "wrong")
    equal(login("maria", TEMPORARY), "wrong")
    equal(item()["version"], 7)


def an_expired_password_is_refused():
    put(password_expires_at=NOW - 1, must_change_password=True)
    equal(login("maria"), "expired")
    put(password_expires_at=NOW + 3600, must_change_password=True)
    equal(login("maria"), "must change")


def a_temporary_password_replaces_the_old_one_at_its_first_use():
    put(temporary=temporary())
    equal(login("maria"), "valid")
    equal("temporary" in item(), True)
    mailed = item()["temporary"]
    equal(login("maria", TEMPORARY), "must change")
    used = item()
    equal((used["password_hash"], used["password_expires_at"]), (mailed["hash"], mailed["expires_at"]))
    equal((used["must_change_password"], used["version"], "temporary" in used), (True, 8, False))
    equal(used["sessions_valid_after"] >= NOW and used["password_changed_at"] >= NOW, True)
    equal(login("maria"), "wrong")


def an_expired_temporary_password_changes_nothing():
    put(temporary=temporary(-1))
    equal(login("maria", TEMPORARY), "expired")
    equal(item()["version"], 7)
    equal(login("maria"), "valid")


def a_password_that_must_be_changed_can_be_changed():
    pending = {"hash": hasher.hash(TEMPORARY), "expires_at": NOW + 3600, "request_id": "r"}
    put(must_change_password=True, password_expires_at=NOW + 3600, temporary=temporary(), reset=pending)
    equal(login("maria", new=NEW), "changed")
    changed = item()
    hasher.verify(changed["password_hash"], NEW)
    equal((changed["version"], changed["reset_superseded"], changed["reset"]), (8, True, pending))
    equal({"temporary", "must_change_password", "password_expires_at"} & set(changed), set())
    equal(changed["sessions_valid_after"] >= NOW and changed["password_changed_at"] >= NOW, True)
    equal(login("maria", NEW), "valid")


def a_reset_whose_mail_was_not_accepted_allows_no_login():
    put(reset={"hash": hasher.hash(TEMPORARY), "expires_at": NOW + 3600, "request_id": "r"})
    equal(login("maria", TEMPORARY), "wrong")


def a_temporary_password_can_be_changed_at_once():
    put(temporary=temporary())
    equal(login("maria", TEMPORARY, new=NEW), "changed")
    equal(item()["version"], 9)
    equal(login("maria", NEW), "valid")


def hashes_with_other_parameters_or_formats_are_replaced():
    for old in [argon2.PasswordHasher(memory_cost=8192, time_cost=3, parallelism=1).hash(PASSWORD), *imported().values()]:
        put(password_hash=old)
        equal(login("maria", TEMPORARY), "wrong")
        equal(item()["password_hash"], old)
        equal(login("maria"), "valid")
        equal(item()["password_hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$"), True)
        equal(item()["version"], 7)
        equal(login("maria"), "valid")


def current_hashes_are_left_alone():
    put()
    equal(login("maria"), "valid")
    equal(item()["password_hash"], HASH)


def imported():
    """The hash of PASSWORD in the formats of .NET."""
    utf16 = PASSWORD.encode("utf-16-le")
    encode = lambda data: base64.b64encode(data).decode()
    found = {}
    for name in ("sha1", "sha256", "sha512"):
        found[name] = f"$aspnet-membership-{name}${encode(SALT)}${encode(hashlib.new(name, SALT + utf16).digest())}"
    for name, size in (("sha256", 64), ("sha512", 128)):
        key = (SALT * 8)[:size]
        # HMAC by its definition, RFC 2104.
        inner = hashlib.new(name, bytes(byte ^ 0x36 for byte in key) + utf16).digest()
        outer = hashlib.new(name, bytes(byte ^ 0x5C for byte in key) + inner).digest()
        found[f"hmac{name}"] = f"$aspnet-membership-hmac{name}${encode(SALT)}${encode(outer)}"
    derived = lambda name, count: hashlib.pbkdf2_hmac(name, PASSWORD.encode(), SALT, count, 32)
    found["identity 2"] = "$aspnet-identity$" + encode(b"\0" + SALT + derived("sha1", 1000))
    for number, name in enumerate(("sha1", "sha256", "sha512")):
        layout = b"\1" + struct.pack(">III", number, 2000, len(SALT)) + SALT + derived(name, 2000)
        found[f"identity {name}"] = "$aspnet-identity$" + encode(layout)
    digest = hashlib.sha256(PASSWORD.encode() + SALT).digest()
    found["servicestack"] = f"$servicestack-sha256${encode(SALT)}${encode(digest)}"
    return found


def equal(found, expected):
    if found != expected:
        raise AssertionError(f"{found!r} instead of {expected!r}")


SCENARIOS = [
    only_the_right_password_is_valid,
    every_spelling_of_a_name_is_the_same_account,
    disabled_accounts_cannot_log_in,
    an_expired_password_is_refused,
    a_temporary_password_replaces_the_old_one_at_its_first_use,
    an_expired_temporary_password_changes_nothing,
    a_password_that_must_be_changed_can_be_changed,
    a_reset_whose_mail_was_not_accepted_allows_no_login,
    a_temporary_password_can_be_changed_at_once,
    hashes_with_other_parameters_or_formats_are_replaced,
    current_hashes_are_left_alone,
]


def main():
    failed = False
    for scenario in SCENARIOS:
        name = scenario.__name__.replace("_", " ")
        try:
            scenario()
            print(f"ok {name}")
        except (AssertionError, KeyError) as error:
            failed = True
            print(f"FAIL {name}: {error!r}")
    return failed


sys.exit(main())
