"""The same launch by boto3: what a script of a course would do."""

import sys

import boto3

endpoint, image, subnet, group = sys.argv[1:]
ec2 = boto3.client(
    "ec2", region_name="us-east-1", endpoint_url=endpoint, aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="secret"
)
tags = [{"Key": "ec2-wrappers:owner", "Value": "cs61c-aa"}]
reply = ec2.run_instances(
    ImageId=image,
    InstanceType="t3.micro",
    MinCount=1,
    MaxCount=1,
    KeyName="cs61c-aa-default",
    SubnetId=subnet,
    SecurityGroupIds=[group],
    ClientToken="benchmark",
    MetadataOptions={"HttpTokens": "required"},
    CreditSpecification={"CpuCredits": "standard"},
    InstanceInitiatedShutdownBehavior="terminate",
    BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 8, "VolumeType": "gp3", "Encrypted": True}}],
    TagSpecifications=[{"ResourceType": kind, "Tags": tags} for kind in ("instance", "volume", "network-interface")],
)
print([instance["InstanceId"] for instance in reply["Instances"]])
