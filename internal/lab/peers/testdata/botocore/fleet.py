"""Instances: launched, looked at, changed, stopped, started and ended."""

import base64

from ask import EC2, call

USER = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/"
IDEMPOTENCY = "https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html"
NONE = "0123456789abcdef0"
SCRIPT = "#!/bin/sh\necho hello\n"
LAUNCH = {"ImageId": "$image", "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
PAIR = dict(LAUNCH, MinCount=2, MaxCount=2, ClientToken="pair", KeyName="mine", SubnetId="$subnet", SecurityGroupIds=["$group"],
            UserData=SCRIPT, TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Role", "Value": "web"}]}])


def launch(what, error, doc=None, **change):
    """A launch that is refused."""
    call(what, "ec2.RunInstances", {**LAUNCH, **change}, error=error, doc=doc)


launch("only asking whether one might", "DryRunOperation", DryRun=True)
launch("an image that is not there", "InvalidAMIID.NotFound", ImageId="ami-" + NONE)
launch("an image id that is none", "InvalidAMIID.Malformed", ImageId="image")
launch("a key that is not there", "InvalidKeyPair.NotFound", KeyName="theirs")
launch("a subnet that is not there", "InvalidSubnetID.NotFound", SubnetId="subnet-" + NONE)
launch("a group that is not there", "InvalidGroup.NotFound", SecurityGroupIds=["sg-" + NONE])
launch("a root volume smaller than its snapshot", "InvalidBlockDeviceMapping",
       BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 1}}])
launch("x86 type, arm64 image", "InvalidParameterValue", ImageId="$arm", doc=EC2 + "API_RunInstances.html")
launch("a launch template that is not there", "InvalidLaunchTemplateId.NotFound", LaunchTemplate={"LaunchTemplateId": "lt-" + NONE})
call("a launch without an image", "ec2.RunInstances", {"InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}, error="MissingParameter")

call("two instances", "ec2.RunInstances", PAIR, {
    "Instances[].[State.Code,State.Name,AmiLaunchIndex]": [[0, "pending", 0], [0, "pending", 1]],
    "Instances[0].Monitoring.State": "disabled", "Instances[0].EbsOptimized": False,
}, keep={"pair": "Instances[].InstanceId", "one": "Instances[0].InstanceId", "two": "Instances[1].InstanceId"})
call("the same call again", "ec2.RunInstances", PAIR, {"Instances[].InstanceId": "$pair"}, doc=IDEMPOTENCY)
call("the same token for another call", "ec2.RunInstances", dict(PAIR, InstanceType="t3.small"), error="IdempotentParameterMismatch", doc=IDEMPOTENCY)
call("until they run", "ec2.wait.instance_running", {"InstanceIds": "$pair"}, doc=EC2 + "API_DescribeInstances.html")
call("until their checks are passed", "ec2.wait.instance_status_ok", {"InstanceIds": "$pair"}, doc=EC2 + "API_DescribeInstanceStatus.html")
call("they run", "ec2.DescribeInstances", {"InstanceIds": ["$one"]}, {
    "Reservations[].Instances[].[State.Code,State.Name]": [[16, "running"]],
    "Reservations[0].Instances[0].starts_with(PrivateIpAddress, '172.31.')": True,
    "Reservations[0].Instances[0].PublicIpAddress != null": True,
    "Reservations[0].Instances[0].BlockDeviceMappings[].[DeviceName,Ebs.Status,Ebs.DeleteOnTermination]": [["/dev/xvda", "attached", True]],
    "Reservations[0].Instances[0].Tags": [{"Key": "Role", "Value": "web"}],
    "Reservations[0].Instances[0].SecurityGroups[].GroupName": ["web"],
}, keep={"volume": "Reservations[0].Instances[0].BlockDeviceMappings[0].Ebs.VolumeId"})
call("images of AL2023 ask for session tokens", "ec2.DescribeInstances", {"InstanceIds": ["$one"]},
     {"Reservations[0].Instances[0].MetadataOptions.[HttpTokens,HttpPutResponseHopLimit,HttpEndpoint]": ["required", 2, "enabled"]},
     doc=USER + "configuring-instance-metadata-options.html")
call("by their token", "ec2.DescribeInstances", {"Filters": [{"Name": "client-token", "Values": ["pair"]}]}, {"length(Reservations[].Instances[])": 2})
call("by a tag, with a wildcard", "ec2.DescribeInstances", {"Filters": [{"Name": "tag:Role", "Values": ["w?b*"]}]},
     {"length(Reservations[].Instances[])": 2}, doc=USER + "Using_Filtering.html")
call("by two filters, both of which must match", "ec2.DescribeInstances", {"Filters": [
    {"Name": "tag-key", "Values": ["Role"]}, {"Name": "instance-state-name", "Values": ["stopped", "pending"]}]}, {"Reservations": []}, doc=USER + "Using_Filtering.html")
call("an instance that is not there", "ec2.DescribeInstances", {"InstanceIds": ["i-" + NONE]}, error="InvalidInstanceID.NotFound")
call("an instance id that is none", "ec2.DescribeInstances", {"InstanceIds": ["web"]}, error="InvalidInstanceID.Malformed")
call("one of two is not there", "ec2.DescribeInstances", {"InstanceIds": ["$one", "i-" + NONE]}, error="InvalidInstanceID.NotFound")
call("a page and a name at once", "ec2.DescribeInstances", {"InstanceIds": ["$one"], "MaxResults": 5}, error="InvalidParameterCombination")
call("a page's token that is none", "ec2.DescribeInstances", {"MaxResults": 5, "NextToken": "none"}, error="InvalidNextToken")
call("status checks", "ec2.DescribeInstanceStatus", {"InstanceIds": ["$one"]}, {
    "InstanceStatuses[].[InstanceStatus.Status,SystemStatus.Status,InstanceState.Name]": [["ok", "ok", "running"]],
    "InstanceStatuses[0].InstanceStatus.Details": [{"Name": "reachability", "Status": "passed"}]})

ATTRIBUTES = {
    "instanceType": {"InstanceType.Value": "t3.micro"},
    "userData": {"UserData.Value": base64.b64encode(SCRIPT.encode()).decode()},
    "disableApiTermination": {"DisableApiTermination.Value": False},
    "instanceInitiatedShutdownBehavior": {"InstanceInitiatedShutdownBehavior.Value": "stop"},
    "rootDeviceName": {"RootDeviceName.Value": "/dev/xvda"},
    "sourceDestCheck": {"SourceDestCheck.Value": True},
}
for attribute, value in ATTRIBUTES.items():
    call("the attribute " + attribute, "ec2.DescribeInstanceAttribute", {"InstanceId": "$one", "Attribute": attribute}, value)
call("another type while it runs", "ec2.ModifyInstanceAttribute", {"InstanceId": "$one", "InstanceType": {"Value": "t3.small"}}, error="IncorrectInstanceState")
call("protection", "ec2.ModifyInstanceAttribute", {"InstanceId": "$one", "DisableApiTermination": {"Value": True}},
     {"ResponseMetadata.HTTPStatusCode": 200})
call("a protected instance cannot be ended", "ec2.TerminateInstances", {"InstanceIds": ["$one"]}, error="OperationNotPermitted")
call("no protection", "ec2.ModifyInstanceAttribute", {"InstanceId": "$one", "DisableApiTermination": {"Value": False}}, {"ResponseMetadata.HTTPStatusCode": 200})
call("other groups while it runs", "ec2.ModifyInstanceAttribute", {"InstanceId": "$one", "Groups": ["$default_group"]}, {"ResponseMetadata.HTTPStatusCode": 200})
call("session tokens are optional", "ec2.ModifyInstanceMetadataOptions", {"InstanceId": "$one", "HttpTokens": "optional"},
     {"InstanceMetadataOptions.[State,HttpTokens,HttpPutResponseHopLimit]": ["pending", "optional", 2]})
call("credits of a burstable type", "ec2.DescribeInstanceCreditSpecifications", {"InstanceIds": ["$one"]},
     {"InstanceCreditSpecifications[].CpuCredits": ["unlimited"]}, doc=USER + "burstable-performance-instances-unlimited-mode-concepts.html")
call("the group of an instance cannot go", "ec2.DeleteSecurityGroup", {"GroupId": "$group"}, error="DependencyViolation")

call("tags", "ec2.CreateTags", {"Resources": "$pair", "Tags": [{"Key": "Role", "Value": "api"}, {"Key": "Stage", "Value": "test"}]}, {"ResponseMetadata.HTTPStatusCode": 200})
call("tags of what is not there", "ec2.CreateTags", {"Resources": ["i-" + NONE], "Tags": [{"Key": "a", "Value": "b"}]}, error="InvalidInstanceID.NotFound")
call("a tag of another value stays", "ec2.DeleteTags", {"Resources": ["$one"], "Tags": [{"Key": "Role", "Value": "web"}, {"Key": "Stage"}]},
     {"ResponseMetadata.HTTPStatusCode": 200})
call("the tags that are left", "ec2.DescribeTags", {"Filters": [{"Name": "resource-id", "Values": ["$one"]}]},
     {"Tags[].[Key,Value,ResourceType]": [["Role", "api", "instance"]]}, doc=EC2 + "API_DeleteTags.html")
call("the volume", "ec2.DescribeVolumes", {"VolumeIds": ["$volume"]}, {"Volumes[].[State,VolumeType,Attachments[0].InstanceId]": [["in-use", "gp3", "$one"]]})
call("a volume that is not there", "ec2.DescribeVolumes", {"VolumeIds": ["vol-" + NONE]}, error="InvalidVolume.NotFound")
call("the network interface", "ec2.DescribeNetworkInterfaces", {"Filters": [{"Name": "attachment.instance-id", "Values": ["$one"]}]},
     {"NetworkInterfaces[].[Status,Attachment.DeviceIndex,Attachment.Status]": [["in-use", 0, "attached"]]})

call("stopped", "ec2.StopInstances", {"InstanceIds": ["$two"]}, {"StoppingInstances[].[PreviousState.Name,CurrentState.Name]": [["running", "stopping"]]})
call("until it is stopped", "ec2.wait.instance_stopped", {"InstanceIds": ["$two"]}, doc=EC2 + "API_DescribeInstances.html")
call("a stopped instance has no public address, and says why it stopped", "ec2.DescribeInstances", {"InstanceIds": ["$two"]},
     {"Reservations[].Instances[].[State.Code,PublicIpAddress,StateReason.Code]": [[80, None, "Client.UserInitiatedShutdown"]]},
     doc=USER + "how-ec2-instance-stop-start-works.html")
call("a stopped instance is not listed among the statuses", "ec2.DescribeInstanceStatus", {"InstanceIds": ["$two"]}, {"InstanceStatuses": []})
call("but with all of them", "ec2.DescribeInstanceStatus", {"InstanceIds": ["$two"], "IncludeAllInstances": True},
     {"InstanceStatuses[].InstanceStatus.Status": ["not-applicable"]})
call("another type while it is stopped", "ec2.ModifyInstanceAttribute", {"InstanceId": "$two", "InstanceType": {"Value": "t3.small"}},
     {"ResponseMetadata.HTTPStatusCode": 200})
call("started", "ec2.StartInstances", {"InstanceIds": ["$two"]}, {"StartingInstances[].[PreviousState.Name,CurrentState.Name]": [["stopped", "pending"]]})
call("until it runs again", "ec2.wait.instance_running", {"InstanceIds": ["$two"]}, doc=EC2 + "API_DescribeInstances.html")
call("the other type runs", "ec2.DescribeInstances", {"InstanceIds": ["$two"]}, {"Reservations[].Instances[].InstanceType": ["t3.small"]})
call("started again", "ec2.StartInstances", {"InstanceIds": ["$two"]}, {"StartingInstances[].[PreviousState.Name,CurrentState.Name]": [["running", "running"]]})
