#!/usr/bin/env bash
# docs/examples/Login.cs, with stand-ins for the NuGet packages.
set -euo pipefail

folder=target/clients/login
mkdir -p "$folder"
mcs -langversion:7.2 "-out:$folder/Login.exe" docs/examples/Login.cs docs/examples/Imported.cs clients/login/StandIns.cs
STAND_IN_PYTHON=$PWD/target/clients/venv/bin/python STAND_IN=$PWD/clients/login/stand_in.py
export STAND_IN_PYTHON STAND_IN
"$STAND_IN_PYTHON" clients/login/scenarios.py "$DYNAMODB_URL" mono "$folder/Login.exe"
