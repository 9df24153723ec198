#!/usr/bin/env bash
# docs/examples/login.py.
set -euo pipefail

python=target/clients/venv/bin/python
"$python" clients/login/scenarios.py "$DYNAMODB_URL" "$python" docs/examples/login.py
