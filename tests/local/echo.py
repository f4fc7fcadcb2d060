"""A Lambda function for the launcher's tests: logs a line, writes what it was given, answers with what it sees.

Runs as `bootstrap` inside the engine, on the standard library alone.
"""

import json
import os
import urllib.request

RUNTIME = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"


def main():
    while True:
        with urllib.request.urlopen(f"{RUNTIME}/next") as invocation:
            request_id = invocation.headers["Lambda-Runtime-Aws-Request-Id"]
            event = json.load(invocation)
        print(json.dumps({"function": os.environ["_HANDLER"], "event": event}), flush=True)
        seen = {name: value for name, value in os.environ.items() if "SECRET" not in name and "TOKEN" not in name}
        body = json.dumps({"event": event, "environment": seen})
        answer = {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": body}
        if "Records" in event:
            answer = {"batchItemFailures": []}
        request = urllib.request.Request(f"{RUNTIME}/{request_id}/response", data=json.dumps(answer).encode())
        urllib.request.urlopen(request).close()


main()
