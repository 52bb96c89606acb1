"""Run Command. It takes an instance that has an inside."""

from ask import EC2, SSM, call

call("an instance with a profile", "ec2.RunInstances", {"ImageId": "$image", "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1,
     "IamInstanceProfile": {"Name": "managed"}}, {"starts_with(Instances[0].InstanceId, 'i-')": True}, keep={"six": "Instances[0].InstanceId"})
call("until it runs, the managed one", "ec2.wait.instance_status_ok", {"InstanceIds": ["$six"]}, doc=EC2 + "API_DescribeInstanceStatus.html")
call("Systems Manager knows it", "ssm.DescribeInstanceInformation", {"Filters": [{"Key": "InstanceIds", "Values": ["$six"]}]},
     {"InstanceInformationList[].[InstanceId,PingStatus,PlatformType]": [["$six", "Online", "Linux"]]})
call("a command", "ssm.SendCommand", {"DocumentName": "AWS-RunShellScript", "InstanceIds": ["$six"], "Parameters": {"commands": ["echo one; echo two >&2"]}},
     {"Command.Status": "Pending"}, keep={"command": "Command.CommandId"})
call("until it is executed", "ssm.wait.command_executed", {"CommandId": "$command", "InstanceId": "$six"}, doc=SSM + "API_GetCommandInvocation.html")
call("what it said", "ssm.GetCommandInvocation", {"CommandId": "$command", "InstanceId": "$six"},
     {"[Status,ResponseCode,StandardOutputContent,StandardErrorContent]": ["Success", 0, "one\n", "two\n"]})
call("a command that fails", "ssm.SendCommand", {"DocumentName": "AWS-RunShellScript", "InstanceIds": ["$six"], "Parameters": {"commands": ["exit 7"]}},
     {"Command.Status": "Pending"}, keep={"failing": "Command.CommandId"})
call("until it has failed", "ssm.wait.command_executed", {"CommandId": "$failing", "InstanceId": "$six"}, error="Failed",
     doc=SSM + "API_GetCommandInvocation.html")
call("how it failed", "ssm.GetCommandInvocation", {"CommandId": "$failing", "InstanceId": "$six"}, {"[Status,ResponseCode]": ["Failed", 7]})
call("the managed one is ended", "ec2.TerminateInstances", {"InstanceIds": ["$six"]}, {"length(TerminatingInstances)": 1})
call("until it is over, for the managed one", "ec2.wait.instance_terminated", {"InstanceIds": ["$six"]}, doc=EC2 + "API_DescribeInstances.html")
