"""Imports a file with boto3's batch writer, as in its documentation:

    with_boto3.py URL TABLE FILE

Writes the same items as `accounts import`, but without conditions. Prints the seconds from the first
row to the last answer and the CPU seconds in between, without the start of Python.
"""

import csv
import sys
import time

import boto3


def main(url, table, path):
    table = boto3.resource("dynamodb", endpoint_url=url, region_name="us-east-1",
                           aws_access_key_id="local", aws_secret_access_key="local").Table(table)
    start, cpu = time.perf_counter(), time.process_time()
    now = int(time.time())
    with open(path, encoding="utf-8", newline="") as file, table.batch_writer() as batch:
        for row in csv.DictReader(file):
            batch.put_item(Item=item(row, now))
    print(time.perf_counter() - start, time.process_time() - cpu)


def item(row, now):
    return {
        "username": row["username"].lower(),
        "display_username": row["username"],
        "id": int(row["id"]),
        "email": row["email"],
        "email_key": row["email"].lower(),
        "display_name": row["display_name"],
        "brand": row["brand"].lower(),
        "language": row["language"],
        "password_hash": row["password_hash"],
        "version": 1,
        "imported_at": now,
        "sessions_valid_after": now,
    }


main(*sys.argv[1:])
