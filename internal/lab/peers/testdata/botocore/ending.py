"""The end of everything that the other tables made."""

from ask import EC2, call

NONE = "0123456789abcdef0"

call("one of two to be ended is not there", "ec2.TerminateInstances", {"InstanceIds": ["$one", "i-" + NONE]}, error="InvalidInstanceID.NotFound")
call("so the other one still runs", "ec2.DescribeInstances", {"InstanceIds": ["$one"]}, {"Reservations[].Instances[].State.Name": ["running"]},
     doc=EC2 + "API_TerminateInstances.html")
call("ended", "ec2.TerminateInstances", {"InstanceIds": ["$one"]}, {"TerminatingInstances[].[PreviousState.Name,CurrentState.Name]": [["running", "shutting-down"]]})
call("the others are ended", "ec2.TerminateInstances", {"InstanceIds": ["$two", "$three", "$four", "$five"]}, {"length(TerminatingInstances)": 4})
call("until it is over", "ec2.wait.instance_terminated", {"InstanceIds": ["$one", "$two", "$three", "$four", "$five"]}, doc=EC2 + "API_DescribeInstances.html")
call("an ended instance is still described, without a network", "ec2.DescribeInstances", {"InstanceIds": ["$one"]}, {
    "Reservations[].Instances[].[State.Code,State.Name,PrivateIpAddress,StateReason.Code]": [[48, "terminated", None, "Client.UserInitiatedShutdown"]],
    "Reservations[0].Instances[0].BlockDeviceMappings": []}, doc="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/terminating-instances.html")
call("ended again", "ec2.TerminateInstances", {"InstanceIds": ["$one"]}, {"TerminatingInstances[].[PreviousState.Name,CurrentState.Name]": [["terminated", "terminated"]]})
call("an ended instance cannot be started", "ec2.StartInstances", {"InstanceIds": ["$one"]}, error="IncorrectInstanceState")
call("nor stopped", "ec2.StopInstances", {"InstanceIds": ["$one"]}, error="IncorrectInstanceState")
call("its volume has gone with it", "ec2.DescribeVolumes", {"VolumeIds": ["$volume"]}, error="InvalidVolume.NotFound")
call("the group of ended instances can go", "ec2.DeleteSecurityGroup", {"GroupId": "$group"}, {"ResponseMetadata.HTTPStatusCode": 200})
call("the key goes", "ec2.DeleteKeyPair", {"KeyName": "mine"}, {"Return": True})
call("a key that is not there can go", "ec2.DeleteKeyPair", {"KeyName": "mine"}, {"Return": True})
call("no volume is left", "ec2.DescribeVolumes", expect={"length(Volumes)": 0})
call("no network interface is left", "ec2.DescribeNetworkInterfaces", expect={"length(NetworkInterfaces)": 0})
