"""Does for StandIns.cs what the NuGet packages would do."""

import base64
import sys

import argon2.low_level


def main():
    kind, *lines = [base64.b64decode(line).decode() for line in sys.stdin]
    {"argon2id": argon2id, "get": get, "update": update}[kind](*lines)


def argon2id(password, salt, memory, iterations, parallelism, length):
    secret, salt = base64.b64decode(password), base64.b64decode(salt)
    computed = argon2.low_level.hash_secret_raw(
        secret, salt, int(iterations), int(memory), int(parallelism), int(length), argon2.low_level.Type.ID
    )
    print(encoded(computed))


def dynamodb():
    import boto3  # only here, because it takes a long time to load

    return boto3.client("dynamodb")


def get(table, username, consistent):
    key = {"username": {"S": username}}
    found = dynamodb().get_item(TableName=table, Key=key, ConsistentRead=consistent == "True")
    for name, value in found.get("Item", {}).items():
        members = value["M"] if "M" in value else {}
        for path, (kind, text) in [(name, *value.items())] + [(f"{name}.{inner}", *one.items()) for inner, one in members.items()]:
            if kind in ("S", "N", "BOOL"):
                print(path, kind, encoded(str(text).encode()))


def update(table, username, expression, condition, *rest):
    names, values = {}, {}
    for kind, name, text in zip(rest[::3], rest[1::3], rest[2::3]):
        if kind == "name":
            names[name] = text
        else:
            values[name] = {kind: text == "True" if kind == "BOOL" else text}
    client = dynamodb()
    options = {"ExpressionAttributeNames": names} if names else {}
    try:
        client.update_item(TableName=table, Key={"username": {"S": username}}, UpdateExpression=expression,
                           ConditionExpression=condition, ExpressionAttributeValues=values, **options)
        print("done")
    except client.exceptions.ConditionalCheckFailedException:
        print("condition failed")


def encoded(data):
    return base64.b64encode(data).decode()


main()
