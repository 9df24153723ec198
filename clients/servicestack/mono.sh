#!/usr/bin/env bash
# Mono's wsdl, which is compatible with .NET's, and the proxy that it generates, for each version
# of SOAP. Argument: the base URL of the server.
set -euo pipefail

base=${1%/}
source=$PWD/clients/servicestack/Mono.cs
folder=$PWD/target/clients/mono
failed=0

# Mono's runtime sometimes aborts (128 + SIGABRT), because an assertion in its thread pool fails.
run() { # PROGRAM ARGUMENT...
  local status=0
  mono "$@" || status=$?
  ((status == 134)) || return "$status"
  echo "Mono aborted, so the program runs again"
  mono "$@"
}

rm -rf "$folder"
mkdir -p "$folder"
for version in soap11 soap12; do
  protocol=SOAP
  [[ $version == soap11 ]] || protocol=SOAP12
  wsdl "/protocol:$protocol" "/out:$folder/$version.cs" "$base/$version" >"$folder/log" 2>&1
  mcs -nowarn:0169,1591 -r:System.Web.Services "-out:$folder/$version.exe" "$source" "$folder/$version.cs" \
    >>"$folder/log" 2>&1
  run "$folder/$version.exe" "$base/$version" "$version" || failed=1
done
exit $failed
