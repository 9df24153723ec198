"""Logs a user in with the Users table. Needs boto3 and argon2-cffi.

    USERS_TABLE=Users python login.py jdoe

Reads the password from standard input. If it must be changed, the next line is the new one."""

import collections
import os
import secrets
import sys
import time
import unicodedata

import argon2
import boto3

import imported

DUAL = os.environ.get("RESET_MODE") == "dual"  # set it to the value that the services use
COST = {"memory_cost": 19456, "time_cost": 2, "parallelism": 1}  # Argon2MemoryKib and Argon2Iterations of the stack
CURRENT = "$argon2id$v=19$m={memory_cost},t={time_cost},p={parallelism}$".format(**COST)
WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
NOBODY = "\0"  # a key that no account has

hasher = argon2.PasswordHasher(**COST)
dummy = hasher.hash(secrets.token_urlsafe())

Login = collections.namedtuple("Login", "outcome username password_hash", defaults=(None, None))


def key(name):
    """The user name in its normal form."""
    if len(name) > 2048:
        return NOBODY
    before = None
    while name != before:
        before = name
        name = unicodedata.normalize("NFKC", name.strip(WHITE_SPACE)).lower().strip(WHITE_SPACE)
    is_possible = 1 <= len(name.encode()) <= 256
    has_controls = any(unicodedata.category(character) == "Cc" for character in name)
    return name if is_possible and not has_controls else NOBODY


def is_right(stored, password):
    """Computes one Argon2id hash, whether or not there is an account."""
    is_argon2 = stored is not None and stored.startswith("$argon2")
    try:
        hasher.verify(stored if is_argon2 else dummy, password)
        matches = is_argon2
    except argon2.exceptions.VerifyMismatchError:
        matches = False
    return imported.is_right(stored, password) if stored and not is_argon2 else matches


def login(users, name, password, now):
    username = key(name)
    user = users.get_item(Key={"username": username}, ConsistentRead=True).get("Item", {})
    stored, temporary = user.get("password_hash"), user.get("temporary")
    if is_right(stored, password):
        temporary, expires_at = None, user.get("password_expires_at")
    elif (temporary or DUAL) and is_right((temporary or {}).get("hash"), password):
        stored, expires_at = temporary["hash"], temporary["expires_at"]
    else:
        return Login("wrong")
    if user.get("disabled"):
        return Login("wrong")
    if expires_at is not None and expires_at <= now:
        return Login("expired")
    if temporary:
        use_temporary(users, username, temporary, now)
    if temporary or user.get("must_change_password"):
        return Login("must change", username, stored)
    if not stored.startswith(CURRENT):
        stored = rehash(users, username, stored, hasher.hash(password))
    return Login("valid", username, stored)


def use_temporary(users, username, temporary, now):
    """Fails with ConditionalCheckFailedException if another login or change came first."""
    users.update_item(
        Key={"username": username},
        UpdateExpression="SET password_hash = :hash, password_changed_at = :now, "
        "sessions_valid_after = :now, must_change_password = :true, "
        "password_expires_at = :end ADD version :one REMOVE #temporary",
        ConditionExpression="#temporary.#hash = :hash",
        ExpressionAttributeNames={"#temporary": "temporary", "#hash": "hash"},
        ExpressionAttributeValues={
            ":hash": temporary["hash"],
            ":end": temporary["expires_at"],
            ":now": now,
            ":true": True,
            ":one": 1,
        },
    )


def change_password(users, username, old_hash, password, now):
    """Fails with ConditionalCheckFailedException if another change came first."""
    users.update_item(
        Key={"username": username},
        UpdateExpression="SET password_hash = :new, password_changed_at = :now, "
        "sessions_valid_after = :now, reset_superseded = :true ADD version :one "
        "REMOVE #temporary, must_change_password, password_expires_at",
        ConditionExpression="password_hash = :old",
        ExpressionAttributeNames={"#temporary": "temporary"},
        ExpressionAttributeValues={
            ":new": hasher.hash(password),
            ":old": old_hash,
            ":now": now,
            ":true": True,
            ":one": 1,
        },
    )


def rehash(users, username, old_hash, new_hash):
    """Replaces the hash and returns the new one. If the password was changed meanwhile, returns the old one, so that a later change conditional on that hash fails."""
    try:
        users.update_item(
            Key={"username": username},
            UpdateExpression="SET password_hash = :new",
            ConditionExpression="password_hash = :old",
            ExpressionAttributeValues={":old": old_hash, ":new": new_hash},
        )
        return new_hash
    except users.meta.client.exceptions.ConditionalCheckFailedException:
        return old_hash


def main():
    users = boto3.resource("dynamodb").Table(os.environ["USERS_TABLE"])
    now = int(time.time())
    found = login(users, sys.argv[1], sys.stdin.readline().rstrip("\n"), now)
    new_password = sys.stdin.readline().rstrip("\n")
    if found.outcome == "must change" and new_password:
        change_password(users, found.username, found.password_hash, new_password, now)
        print("changed")
    else:
        print(found.outcome)


if __name__ == "__main__":
    main()
