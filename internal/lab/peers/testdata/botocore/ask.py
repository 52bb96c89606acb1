"""Asks an endpoint every call of the tables through botocore, as any client would, and
prints one JSON object a call: what was asked, what AWS documents, what came back.

A table's entry is made by call(). Parameters and expectations may name what an earlier
call has kept: "$image". A call that needs what was not kept is not asked.
"""

import importlib
import json
import re
import sys

import boto3
import botocore.config
import botocore.exceptions
import botocore.parsers
import jmespath

EC2 = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"
ELB = "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/"
SSM = "https://docs.aws.amazon.com/systems-manager/latest/APIReference/"
STS = "https://docs.aws.amazon.com/STS/latest/APIReference/"
PAGES = {"ec2": EC2, "elbv2": ELB, "ssm": SSM, "sts": STS}
ERRORS = EC2 + "errors-overview.html"

CALLS = []


def call(what, operation, params=None, expect=None, error=None, keep=None, doc=None):
    """Adds a call: "ec2.RunInstances", or a waiter, "ec2.wait.instance_running". expect
    has JMESPath expressions of the answer with their values, keep those that later calls
    need; error is the code of a refusal."""
    service, name = operation.split(".", 1)
    if doc is None:
        doc = ERRORS if error and service == "ec2" else PAGES[service] + "API_" + name + ".html"
    CALLS.append({
        "what": what, "operation": operation, "service": service, "name": name, "params": params or {},
        "expect": {"@": error} if error else expect or {}, "error": error, "keep": keep or {}, "doc": doc,
    })


class Missing(Exception):
    pass


def filled(value, kept):
    """Puts kept values in the place of their names."""
    if isinstance(value, str) and re.fullmatch(r"\$[a-z]\w*", value):
        if value[1:] not in kept:
            raise Missing(value)
        return kept[value[1:]]
    if isinstance(value, dict):
        return {key: filled(item, kept) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, kept) for item in value]
    return value


def ask(client, entry, params):
    """Makes one call and returns the answer, or the error's code."""
    try:
        if entry["name"].startswith("wait."):
            waiter = client.get_waiter(entry["name"].removeprefix("wait."))
            waiter.wait(**params, WaiterConfig={"Delay": 1, "MaxAttempts": 10})
            return {}, "waited"
        method = botocore.xform_name(entry["name"])
        return getattr(client, method)(**params), None
    except botocore.exceptions.ClientError as refused:
        return {}, refused.response["Error"]["Code"]
    except botocore.exceptions.WaiterError as over:
        # A waiter that ends in a failure has met the state that means one.
        state = jmespath.search("Status", over.last_response)
        return {}, state if "terminal failure" in str(over) and state else "waited in vain: " + str(over)
    except botocore.parsers.ResponseParserError:
        return {}, "no answer that could be read"


def outcome(client, entry, kept):
    """Is what was expected and what came, both by expression."""
    try:
        params, expected = filled(entry["params"], kept), filled(entry["expect"], kept)
    except Missing as name:
        return entry["expect"], {"@": "not asked, for want of " + str(name)}
    answer, code = ask(client, entry, params)
    if entry["name"].startswith("wait."):
        return {"@": entry["error"] or "waited"}, {"@": code}
    if code or entry["error"]:
        return expected, {"@": code or "success"}
    for name, expression in entry["keep"].items():
        value = jmespath.search(expression, answer)
        if value is not None and value != []:
            kept[name] = value
    return expected, {expression: jmespath.search(expression, answer) for expression in expected}


def main(endpoint, tables):
    # The tables add to this module's list, under its proper name.
    for table in tables:
        importlib.import_module(table)
    from ask import CALLS as calls
    config = botocore.config.Config(retries={"total_max_attempts": 1})
    session = boto3.session.Session("lab", "lab", region_name="us-east-1")
    clients, kept = {}, {}
    for entry in calls:
        service = entry["service"]
        if service not in clients:
            clients[service] = session.client(service, endpoint_url=endpoint, config=config)
        expected, got = outcome(clients[service], entry, kept)
        print(json.dumps({
            "what": entry["what"], "operation": entry["operation"], "doc": entry["doc"],
            "expected": expected, "got": got, "ok": expected == got,
        }, default=str), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
