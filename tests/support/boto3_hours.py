"""Asks AWS who it is each time that a line comes in, with one client for hours, and prints the answer."""

import sys

import boto3

client = boto3.Session(profile_name="cs61c").client("sts")
for _ in sys.stdin:
    try:
        print(client.get_caller_identity()["Arn"], flush=True)
    except Exception as error:
        print(f"{type(error).__name__}: {error}", flush=True)
