"""Verifies the hashes that an import takes over from .NET applications."""

import base64
import hashlib
import hmac
import struct


def is_right(stored, password):
    """Whether the password matches an imported hash. Raises ValueError for an unknown format."""
    _, scheme, *parts = stored.split("$")
    if scheme == "aspnet-identity":
        computed, expected = identity(base64.b64decode(parts[0]), password.encode())
    else:
        salt, expected = map(base64.b64decode, parts)
        if scheme.startswith("aspnet-membership-"):
            computed = membership(scheme.removeprefix("aspnet-membership-"), salt, password.encode("utf-16-le"))
        elif scheme == "servicestack-sha256":
            computed = hashlib.sha256(password.encode() + salt).digest()
        else:
            raise ValueError("unknown format of a hash")
    return hmac.compare_digest(computed, expected)


def membership(algorithm, salt, password):
    if not algorithm.startswith("hmac"):
        return hashlib.new(algorithm, salt + password).digest()
    algorithm = algorithm.removeprefix("hmac")
    block = hashlib.new(algorithm).block_size
    key = (salt * block)[:block]
    return hmac.new(key, password, algorithm).digest()


def identity(data, password):
    """The computed and the expected hash, for ASP.NET Identity 2 (first byte 0) and Core (1)."""
    if data[0] == 0:
        algorithm, iterations, salt, expected = 0, 1000, data[1:17], data[17:]
    else:
        algorithm, iterations, length = struct.unpack_from(">III", data, 1)
        salt, expected = data[13 : 13 + length], data[13 + length :]
    name = ("sha1", "sha256", "sha512")[algorithm]
    return hashlib.pbkdf2_hmac(name, password, salt, iterations, len(expected)), expected
