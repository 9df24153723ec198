#!/usr/bin/env bash
# docs/examples/login.mjs, in the folder where Node finds its packages.
set -euo pipefail

folder=target/clients/login
mkdir -p "$folder"
cp docs/examples/*.mjs "$folder"
target/clients/venv/bin/python clients/login/scenarios.py "$DYNAMODB_URL" node "$folder/login.mjs"
