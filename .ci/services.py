"""Runs both services on this machine with `local`, and the program `accounts`."""

import base64
import functools
import json
import os
import re
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import boto3
from transform import ROOT

# The brand in emails of `accounts`.
MAIL = {
    "MAIL_FROM": "no-reply@example.com",
    "PRODUCT_NAME": "Flood Watch",
    "SUPPORT_CONTACT": "support@example.com",
    "LOGIN_URL": "https://www.example.com",
    "CONFIGURATION_SET": "mails",
}


@functools.cache
def programs():
    """The folder with `local` and `accounts`: that of LOCAL_BINARY, or else they are built."""
    if "LOCAL_BINARY" in os.environ:
        return Path(os.environ["LOCAL_BINARY"]).parent
    subprocess.run(["cargo", "build", "--quiet", "-p", "local", "-p", "accounts"], cwd=ROOT, check=True)
    return ROOT / "target/debug"


class Local:
    """`local` with tables in memory."""

    def __init__(self):
        self.process = subprocess.Popen(
            [programs() / "local", "--port", "0", "--memory"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.dynamodb = self.gateway = None
        for line in self.process.stdout:
            if found := re.match(r"DynamoDB on (\S+), SES on (\S+)", line):
                self.dynamodb, self.ses = found.groups()
            if found := re.match(r"ready on (\S+)", line):
                self.gateway = found[1]
                break

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def http(self, url, body=None, headers=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(url, data, headers or {})
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()

    def set_password(self, credential):
        body = {"Email": "a@example.com", "NewPassword": "lamp-Sodium-4417", "Requester": "Front Desk"}
        headers = {
            "Content-Type": "application/json",
            "Authorization": "Basic " + base64.b64encode(credential.encode()).decode(),
        }
        return self.http(f"{self.gateway}/UpdateUserRegistrationPassword", body, headers)[0]

    def reset(self, username):
        path = f"/webservices/IFCommonService.asmx/ResetUserPassword?username={username}"
        return self.http(self.gateway + path)[0]

    def accounts(self, *arguments, dynamodb=None):
        """Runs a command of `accounts`, on another endpoint if one is given."""
        tables = {f"{name.upper()}_TABLE": name for name in ("Users", "Audit", "Brands", "Limits")}
        endpoints = ["--endpoint", dynamodb or self.dynamodb, "--ses-endpoint", self.ses]
        subprocess.run(
            [programs() / "accounts", *endpoints, "--operator", "ops", *arguments],
            env={**os.environ, **tables, **MAIL},
            check=True,
            capture_output=True,
            text=True,
        )

    def rows(self):
        client = boto3.client(
            "dynamodb",
            endpoint_url=self.dynamodb,
            region_name="us-east-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )
        return client.scan(TableName="Audit")["Items"]
