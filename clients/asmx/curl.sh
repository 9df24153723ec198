#!/usr/bin/env bash
# curl with the four samples of the service's help page. Argument: the base URL of the server.
set -euo pipefail

url=${1%/}/webservices/IFCommonService.asmx
namespace=http://www.ifactorconsulting.com/webservices
soap11=http://schemas.xmlsoap.org/soap/envelope/
soap12=http://www.w3.org/2003/05/soap-envelope
done='If the username is on file, a new password has been sent to its e-mail address.'
refused='username is required.'
failures=0

# check NAME STATUS_AND_MEDIA_TYPE TEXT CURL_ARGUMENTS...: the answer must have all of them.
check() {
  local name=$1 head=$2 text=$3 answer
  shift 3
  answer=$(curl --silent --show-error --max-time 20 --write-out '\n%{http_code} %{content_type}' "$@" 2>&1) || true
  if [[ $answer == *"$text"*$'\n'"$head" ]]; then
    echo "ok $name"
  else
    failures=$((failures + 1))
    echo "FAIL $name: ${answer//[$'\r\n']/ } instead of ${text//[$'\r\n']/ } $head"
  fi
}

envelope() { # PREFIX NAMESPACE USERNAME
  cat <<EOF
<?xml version="1.0" encoding="utf-8"?>
<$1:Envelope xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:$1="$2">
  <$1:Body>
    <ResetUserPassword xmlns="$namespace">
      <username>$3</username>
    </ResetUserPassword>
  </$1:Body>
</$1:Envelope>
EOF
}

soap11() { # NAME STATUS TEXT USERNAME
  check "SOAP 1.1: $1" "$2 text/xml; charset=utf-8" "$3" \
    --header 'Content-Type: text/xml; charset=utf-8' --header "SOAPAction: \"$namespace/ResetUserPassword\"" \
    --data-binary "$(envelope soap "$soap11" "$4")" "$url"
}

soap12() { # NAME STATUS TEXT USERNAME
  check "SOAP 1.2: $1" "$2 application/soap+xml; charset=utf-8" "$3" \
    --header 'Content-Type: application/soap+xml; charset=utf-8' \
    --data-binary "$(envelope soap12 "$soap12" "$4")" "$url"
}

soap11 reset 200 "<ResetUserPasswordResult>$done</ResetUserPasswordResult>" jdoe
soap11 'empty username' 500 "<faultcode>soap:Client</faultcode><faultstring>$refused</faultstring><detail />" ''
soap12 reset 200 "<ResetUserPasswordResult>$done</ResetUserPasswordResult>" jdoe
soap12 'empty username' 500 "<soap:Value>soap:Sender</soap:Value></soap:Code><soap:Reason><soap:Text xml:lang=\"en\">$refused</soap:Text>" ''

check 'HTTP GET: reset' '200 text/xml; charset=utf-8' "<string xmlns=\"$namespace\">$done</string>" \
  "$url/ResetUserPassword?username=jdoe"
check 'HTTP GET: empty username' '500 text/plain; charset=utf-8' "$refused"$'\r\n' \
  "$url/ResetUserPassword?username="
check 'HTTP POST: reset' '200 text/xml; charset=utf-8' "<string xmlns=\"$namespace\">$done</string>" \
  --data username=jdoe "$url/ResetUserPassword"
check 'HTTP POST: empty username' '500 text/plain; charset=utf-8' "$refused"$'\r\n' \
  --data username= "$url/ResetUserPassword"

exit $((failures > 0))
