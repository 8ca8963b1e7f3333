"""What usage_cron does, with boto3 and sqlite3: all instances of the account into usage.db, in pages of 1,000."""

import sqlite3
import sys
from datetime import timezone

import boto3

endpoint, database = sys.argv[1:]
ec2 = boto3.client(
    "ec2", region_name="us-east-1", endpoint_url=endpoint, aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="secret"
)
db = sqlite3.connect(database)
db.execute(
    """CREATE TABLE IF NOT EXISTS instances(instance_id TEXT PRIMARY KEY, instance_type TEXT, start_time REAL, end_time REAL,
       last_seen TEXT, is_spot BOOLEAN, username TEXT)"""
)
with db:
    for page in ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 1000}):
        for reservation in page["Reservations"]:
            for instance in reservation["Instances"]:
                launched = instance["LaunchTime"].astimezone(timezone.utc).isoformat(" ", "seconds")[:19]
                db.execute(
                    """INSERT INTO instances VALUES (?, ?, julianday(?), NULL, julianday('now'), ?, ?)
                       ON CONFLICT (instance_id) DO UPDATE SET last_seen = excluded.last_seen""",
                    (
                        instance["InstanceId"],
                        instance["InstanceType"],
                        launched,
                        instance.get("InstanceLifecycle") == "spot",
                        instance["KeyName"].rsplit("-", 1)[0],
                    ),
                )
print(db.execute("SELECT count(*) FROM instances").fetchone()[0])
