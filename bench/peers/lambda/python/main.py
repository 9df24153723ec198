"""The loop of the Lambda Runtime API, shorter than Lambda's own for Python."""

import http.client
import json
import os

from function import handler

connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])


def call(method, path, body=None):
    connection.request(method, f"/2018-06-01/runtime/{path}", body)
    response = connection.getresponse()
    return response.headers, response.read()


while True:
    headers, event = call("GET", "invocation/next")
    request_id = headers["lambda-runtime-aws-request-id"]
    try:
        result = handler(json.loads(event), request_id)
        call("POST", f"invocation/{request_id}/response", json.dumps(result))
    except Exception as error:
        call("POST", f"invocation/{request_id}/error", json.dumps({"errorMessage": repr(error)}))
