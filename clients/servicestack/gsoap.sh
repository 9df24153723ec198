#!/usr/bin/env bash
# gSOAP's wsdl2h and soapcpp2, and the C++ proxy that they generate, for each version of SOAP.
# Argument: the base URL of the server.
set -euo pipefail

base=${1%/}
source=$PWD/clients/servicestack/gsoap.cpp
folder=$PWD/target/clients/gsoap
failed=0

for version in soap11 soap12; do
  rm -rf "$folder/$version"
  mkdir -p "$folder/$version"
  cd "$folder/$version"
  wsdl2h -o service.h "$base/$version" >log 2>&1
  # The last digit of `soap11` or `soap12` selects the SOAP version: -1 or -2.
  soapcpp2 "-${version: -1}" -C -j service.h >>log 2>&1
  proxy=$(basename soap*Proxy.h .h)
  printf '#include "%s.h"\n#include "%s"\nusing Proxy = %s;\n' \
    "$proxy" ./*.nsmap "${proxy#soap}" >proxy.h
  g++ -std=c++17 -w -I. -o client "$source" soapC.cpp "$proxy.cpp" -lgsoap++ >>log 2>&1
  ./client "$version" || failed=1
done
exit $failed
