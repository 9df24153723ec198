#!/usr/bin/env bash
# curl with the same XML as ServiceStack's XmlServiceClient for C#: with a byte order mark and
# every member in the order of the contract. Argument: the base URL of the server.
set -euo pipefail

url=${1%/}/xml/reply/UpdateUserRegistrationPasswordRequest
contracts=http://schemas.datacontract.org/2004/07/Registrar.Model.Model
instance=http://www.w3.org/2001/XMLSchema-instance
# That client reads an error only inside this element.
response="<UpdateUserRegistrationPasswordResponse xmlns:i=\"$instance\" xmlns=\"$contracts.Transactions.UserRegistration\">"
admin='admin:p@55wOrd'
email='<Email>a@example.com</Email>'
password='<NewPassword>harbor-Lantern-5821</NewPassword>'
failures=0

# check NAME CREDENTIAL EMAIL_AND_PASSWORD STATUS TEXT...: the answer must contain all texts, in
# this order.
check() {
  local name=$1 credential=$2 members=$3 status=$4 rest answer text
  shift 4
  answer=$(
    printf '\xef\xbb\xbf%s' "<UpdateUserRegistrationPasswordRequest xmlns:i=\"$instance\" xmlns=\"$contracts.Transactions.UserRegistration\"><Requester xmlns=\"$contracts.Interfaces\">portal</Requester><CustomerBrandName i:nil=\"true\" />$members<SendResetEmail>true</SendResetEmail></UpdateUserRegistrationPasswordRequest>" |
      curl --silent --show-error --max-time 20 --write-out '\n%{http_code} %{content_type}' ${credential:+--user "$credential"} \
        --header 'Content-Type: application/xml' --header 'Accept: application/xml' --data-binary @- "$url" 2>&1
  ) || true
  rest=$answer
  for text in "$@" $'\n'"$status application/xml"; do
    if [[ $rest != *"$text"* ]]; then
      failures=$((failures + 1))
      echo "FAIL $name: no '${text#$'\n'}' in ${answer//[$'\r\n']/ }"
      return
    fi
    rest=${rest#*"$text"}
  done
  echo "ok $name"
}

check success "$admin" "$email$password" 200 \
  "$response<DisplayName>Jane Doe</DisplayName><Id>42</Id><ResetEmailSent>true</ResetEmailSent>"
check 'no credential' '' "$email$password" 401 \
  "$response" '<d2p1:ErrorCode>Unauthorized</d2p1:ErrorCode><d2p1:Message>Unauthorized</d2p1:Message>'
check 'wrong password' admin:wrong "$email$password" 401 \
  "$response" '<d2p1:ErrorCode>Unauthorized</d2p1:ErrorCode><d2p1:Message>Invalid UserName or Password</d2p1:Message>'
check 'no role' 'bob:p@55wOrd' "$email$password" 403 \
  "$response" '<d2p1:ErrorCode>Invalid Role</d2p1:ErrorCode>'
check 'unknown customer' "$admin" "<Email>nobody@example.com</Email>$password" 404 \
  "$response" '<d2p1:ErrorCode>NotFound</d2p1:ErrorCode>'
check 'no e-mail address, no password' "$admin" '<Email i:nil="true" /><NewPassword i:nil="true" />' 400 \
  "$response" '<d2p1:ErrorCode>NotEmpty</d2p1:ErrorCode>' \
  '<d2p1:FieldName>Email</d2p1:FieldName>' '<d2p1:FieldName>NewPassword</d2p1:FieldName>'

exit $((failures > 0))
