#!/usr/bin/env bash
# curl with a cookie jar: logs in with a form, in JSON and in XML, calls the service with the
# cookies and logs out. Argument: the base URL of the server.
set -euo pipefail

url=${1%/}
jar=$(mktemp)
trap 'rm -f "$jar"' EXIT
json='Content-Type: application/json'
change='{"Email":"a@example.com","NewPassword":"harbor-Lantern-5821"}'
success='{"Id":42,"DisplayName":"Jane Doe","ResetEmailSent":false}'
who='"UserName":"admin","DisplayName":"Portal Admin","ResponseStatus":{}}'
failures=0

# check NAME STATUS TEXT ARGUMENT...: checks the answer to a call of curl with the cookie jar.
check() {
  local name=$1 status=$2 text=$3 answer
  shift 3
  answer=$(curl --silent --show-error --max-time 20 --cookie "$jar" --cookie-jar "$jar" \
    --write-out '\n%{http_code}' "$@" 2>&1) || true
  if [[ $answer == *"$text"*$'\n'"$status" ]]; then
    echo "ok $name"
  else
    failures=$((failures + 1))
    echo "FAIL $name: ${answer//[$'\r\n']/ } instead of $status with '$text'"
  fi
}

call() { # NAME STATUS TEXT
  check "$1" "$2" "$3" --header "$json" --data "$change" "$url/UpdateUserRegistrationPassword"
}

call 'no session' 401 Unauthorized
check 'login with a form' 200 "$who" --data-urlencode UserName=admin --data-urlencode Password=p@55wOrd "$url/auth/credentials"
call 'call by cookie' 200 "$success"
check 'status' 200 "$who" "$url/auth"
check 'a form with a cookie' 403 Cross-site --data Email=a@example.com "$url/UpdateUserRegistrationPassword"
check 'logout' 200 '{"ResponseStatus":{}}' "$url/auth/logout"
call 'after the logout' 401 Unauthorized

check 'login in JSON, remembered' 200 "$who" --header "$json" \
  --data '{"provider":"credentials","UserName":"admin","Password":"p@55wOrd","RememberMe":true}' "$url/json/reply/Authenticate"
call 'call by the lasting cookie' 200 "$success"
check 'logout by GET in XML' 200 '<ResponseStatus>' "$url/auth/logout?format=xml"
call 'after that logout' 401 Unauthorized

check 'login in XML' 200 '<UserName>admin</UserName>' --header 'Content-Type: application/xml' \
  --data '<Authenticate xmlns="http://schemas.servicestack.net/types"><provider>credentials</provider><UserName>admin</UserName><Password>p@55wOrd</Password></Authenticate>' \
  "$url/xml/reply/Authenticate"
call 'call after it' 200 "$success"
check 'wrong password' 401 'Invalid UserName or Password' --data 'UserName=admin&Password=wrong' "$url/auth/credentials"
check 'session without the role' 200 '"UserName":"bob"' --data-urlencode UserName=bob --data-urlencode Password=p@55wOrd "$url/auth/credentials"
call 'call without the role' 403 'Invalid Role'

exit $((failures > 0))
