"""ResetUserPassword as a typical Python function: the same calls to DynamoDB and SES, the same
Argon2 parameters, the same answer. It is not a replacement: it supports only SOAP 1.1 and one
language, and has neither a sweep nor the legacy server's errors.
"""

import base64
import datetime
import html
import os
import secrets
import time
import unicodedata

import boto3
from argon2 import PasswordHasher
from lxml import etree

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
ANSWER = "If the username is on file, a new password has been sent to its e-mail address."
USERNAME = "{*}Body/{*}ResetUserPassword/{*}username"

dynamodb = boto3.client("dynamodb")
ses = boto3.client("sesv2")
hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
parser = etree.XMLParser(resolve_entities=False, no_network=True)


def text(value):
    return {"S": value}


def number(value):
    return {"N": str(value)}


def handler(event, request_id):
    body = event["body"].encode()
    if event.get("isBase64Encoded"):
        body = base64.b64decode(body)
    username = etree.fromstring(body, parser).findtext(USERNAME)
    username = unicodedata.normalize("NFKC", username).lower()
    reset(username, event["requestContext"]["http"]["sourceIp"], request_id)
    return {
        "statusCode": 200,
        "headers": {"content-type": "text/xml; charset=utf-8"},
        "body": envelope(ANSWER),
    }


def reset(username, source, request_id):
    now = int(time.time())
    count(f"peer#source#{source}", now)
    count(f"peer#name#{username}", now)
    password = new_password()
    phc = hasher.hash(password)
    user = reserve(username, phc, now, request_id)
    mail(user, password, request_id)
    promote(username, phc, now, request_id)


def count(subject, now):
    dynamodb.update_item(
        TableName=os.environ["LIMITS_TABLE"],
        Key={"subject": text(subject)},
        UpdateExpression="SET uses = if_not_exists(uses, :none) + :one, expires_at = :end",
        ConditionExpression="attribute_not_exists(uses) OR uses < :limit",
        ExpressionAttributeValues={
            ":none": number(0),
            ":one": number(1),
            ":end": number(now + 3600),
            ":limit": number(1_000_000),
        },
    )


def reserve(username, phc, now, request_id):
    pending = {
        "hash": text(phc),
        "request_id": text(request_id),
        "expires_at": number(now + 30),
        "attempts": number(0),
        "requested_at": number(now),
    }
    answer = dynamodb.update_item(
        TableName=os.environ["USERS_TABLE"],
        Key={"username": text(username)},
        UpdateExpression="SET #reset = :pending, reset_queue = :queue, reset_due_at = :due",
        ConditionExpression=(
            "attribute_exists(email) AND (attribute_not_exists(#reset) OR #reset.expires_at <= :now)"
        ),
        ExpressionAttributeNames={"#reset": "reset"},
        ExpressionAttributeValues={
            ":pending": {"M": pending},
            ":queue": text("pending-0"),
            ":due": number(now + 30),
            ":now": number(now),
        },
        ReturnValues="ALL_NEW",
    )
    return answer["Attributes"]


def mail(user, password, request_id):
    product = os.environ["PRODUCT_NAME"]
    lines = [
        f"Hello {user['display_name']['S']},",
        f"A new password was requested for your {product} login.",
        f"User name: {user['display_username']['S']}",
        f"Password: {password}",
        f"Log in before the new one expires: {os.environ['LOGIN_URL']}",
    ]
    markup = "\n".join(f"<p>{html.escape(line)}</p>" for line in lines)
    ses.send_email(
        FromEmailAddress=os.environ["MAIL_FROM"],
        Destination={"ToAddresses": [user["email"]["S"]]},
        EmailTags=[{"Name": "request_id", "Value": request_id}],
        Content={
            "Simple": {
                "Subject": {"Data": f"Your new {product} password", "Charset": "UTF-8"},
                "Body": {
                    "Text": {"Data": "\n\n".join(lines), "Charset": "UTF-8"},
                    "Html": {"Data": markup, "Charset": "UTF-8"},
                },
            }
        },
    )


def promote(username, phc, now, request_id):
    update = {
        "TableName": os.environ["USERS_TABLE"],
        "Key": {"username": text(username)},
        "UpdateExpression": (
            "SET password_hash = :hash, password_changed_at = :now, sessions_valid_after = :now, "
            "must_change_password = :true, password_expires_at = :end "
            "ADD version :one REMOVE #reset, reset_queue, reset_due_at"
        ),
        "ConditionExpression": "#reset.request_id = :request",
        "ExpressionAttributeNames": {"#reset": "reset"},
        "ExpressionAttributeValues": {
            ":hash": text(phc),
            ":now": number(now),
            ":true": {"BOOL": True},
            ":end": number(now + 86_400),
            ":one": number(1),
            ":request": text(request_id),
        },
    }
    at = datetime.datetime.fromtimestamp(now, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    row = {
        "username": text(username),
        "at": text(f"{at}#{request_id}"),
        "event": text("password.reset"),
        "request_id": text(request_id),
        "expires_at": number(now + 400 * 86_400),
    }
    put = {"TableName": os.environ["AUDIT_TABLE"], "Item": row}
    dynamodb.transact_write_items(TransactItems=[{"Update": update}, {"Put": put}])


def new_password():
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(7))
    return "-".join(groups)


def envelope(result):
    return (
        '<?xml version="1.0" encoding="utf-8"?><soap:Envelope '
        'xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soap:Body>'
        '<ResetUserPasswordResponse xmlns="http://www.ifactorconsulting.com/webservices"><ResetUserPasswordResult>'
        f"{result}</ResetUserPasswordResult></ResetUserPasswordResponse></soap:Body></soap:Envelope>"
    )
