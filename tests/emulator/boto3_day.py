"""A client that nobody here wrote looks at the proxy's answers: prints as JSON what boto3 made of them."""

import json
import sys

import boto3

endpoint, image = sys.argv[1:]
session = boto3.session.Session("AKIAIOSFODNN7EXAMPLE", "secret", region_name="us-east-1")


def client(service):
    return session.client(service, endpoint_url=endpoint)


ec2, iam = client("ec2"), client("iam")
spot = {"MarketType": "spot", "SpotOptions": {"SpotInstanceType": "one-time", "MaxPrice": "0.05"}}
tags = [{"ResourceType": "instance", "Tags": [{"Key": "owner", "Value": "cs61c-ab"}]}]
launch = dict(ImageId=image, InstanceType="t3.micro", MinCount=6, MaxCount=6, TagSpecifications=tags)
ids = [i["InstanceId"] for i in ec2.run_instances(ClientToken="one", **launch)["Instances"]]
again = [i["InstanceId"] for i in ec2.run_instances(ClientToken="one", **launch)["Instances"]]
ec2.get_waiter("instance_running").wait(InstanceIds=ids, WaiterConfig={"Delay": 1})
spot_id = ec2.run_instances(InstanceMarketOptions=spot, ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1)
pages = ec2.get_paginator("describe_instances").paginate(
    Filters=[{"Name": "tag:owner", "Values": ["cs61c-*"]}], PaginationConfig={"PageSize": 5}
)
paged = [[i["InstanceId"] for r in page["Reservations"] for i in r["Instances"]] for page in pages]
changes = ec2.stop_instances(InstanceIds=ids[:1])["StoppingInstances"][0]
ec2.get_waiter("instance_stopped").wait(InstanceIds=ids[:1], WaiterConfig={"Delay": 1})
try:
    ec2.run_instances(ClientToken="one", **{**launch, "MaxCount": 7})
    mismatch = None
except ec2.exceptions.ClientError as error:
    mismatch = error.response["Error"]["Code"]
iam.create_user(UserName="ab", Path="/cs61c/")
policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"}]}
iam.put_user_policy(UserName="ab", PolicyName="p", PolicyDocument=json.dumps(policy))
simulated = iam.simulate_principal_policy(
    PolicySourceArn="arn:aws:iam::123456789012:user/cs61c/ab", ActionNames=["ec2:DescribeInstances", "ec2:RunInstances"]
)
events = client("cloudtrail").lookup_events(
    LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "StopInstances"}]
)
prices = client("pricing").get_products(
    ServiceCode="AmazonEC2", Filters=[{"Type": "TERM_MATCH", "Field": "instanceType", "Value": "t3.micro"}]
)
history = ec2.describe_spot_price_history(InstanceTypes=["t3.micro"], AvailabilityZone="us-east-1a", MaxResults=5)
quota = client("service-quotas").get_service_quota(ServiceCode="ec2", QuotaCode="L-1216C47A")
print(
    json.dumps(
        {
            "launchedOnce": ids == again,
            "paged": [len(page) for page in paged],
            "stop": [changes["PreviousState"]["Name"], changes["CurrentState"]["Name"]],
            "spotRequests": [
                r["State"] for r in ec2.describe_spot_instance_requests()["SpotInstanceRequests"]
            ],
            "lifecycle": spot_id["Instances"][0]["InstanceLifecycle"],
            "mismatch": mismatch,
            "users": [u["UserName"] for p in iam.get_paginator("list_users").paginate() for u in p["Users"]],
            "simulated": [r["EvalDecision"] for r in simulated["EvaluationResults"]],
            "events": [e["Resources"][0]["ResourceName"] == ids[0] for e in events["Events"]],
            "systems": sorted(json.loads(p)["product"]["attributes"]["operatingSystem"] for p in prices["PriceList"]),
            "spotPrices": len(history["SpotPriceHistory"]),
            "quota": quota["Quota"]["QuotaCode"],
        }
    )
)
