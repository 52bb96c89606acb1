"""What a fresh account has, and what can be had without an instance."""

from ask import EC2, call

GUIDE = "https://docs.aws.amazon.com/vpc/latest/userguide/"
DEFAULT_VPC = GUIDE + "default-vpc-components.html"
NONE = "0123456789abcdef0"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIIII somebody"

call("who is asking", "sts.GetCallerIdentity", expect={"length(Account)": 12, "starts_with(Arn, 'arn:aws:')": True})
call("the zones of the region", "ec2.DescribeAvailabilityZones", expect={"AvailabilityZones[?State!='available']": []})
call("a region by its name", "ec2.DescribeRegions", {"RegionNames": ["eu-west-1"]},
     {"Regions[].[RegionName,Endpoint]": [["eu-west-1", "ec2.eu-west-1.amazonaws.com"]]})
call("the default VPC", "ec2.DescribeVpcs", {"Filters": [{"Name": "is-default", "Values": ["true"]}]},
     {"Vpcs[].[CidrBlock,State,InstanceTenancy]": [["172.31.0.0/16", "available", "default"]]}, keep={"vpc": "Vpcs[0].VpcId"}, doc=DEFAULT_VPC)
call("its subnets, of size /20, with public addresses", "ec2.DescribeSubnets", {"Filters": [{"Name": "vpc-id", "Values": ["$vpc"]}]},
     {"Subnets[?!ends_with(CidrBlock, '/20') || !DefaultForAz || !MapPublicIpOnLaunch]": [], "Subnets[0].AvailableIpAddressCount": 4091},
     keep={"subnet": "Subnets[0].SubnetId", "subnet2": "Subnets[1].SubnetId"}, doc=DEFAULT_VPC)
call("its names: enableDnsHostnames", "ec2.DescribeVpcAttribute", {"VpcId": "$vpc", "Attribute": "enableDnsHostnames"},
     {"EnableDnsHostnames.Value": True}, doc=GUIDE + "vpc-dns.html")
call("its names: enableDnsSupport", "ec2.DescribeVpcAttribute", {"VpcId": "$vpc", "Attribute": "enableDnsSupport"},
     {"EnableDnsSupport.Value": True}, doc=GUIDE + "vpc-dns.html")
call("its internet gateway", "ec2.DescribeInternetGateways", {"Filters": [{"Name": "attachment.vpc-id", "Values": ["$vpc"]}]},
     {"InternetGateways[].Attachments[].State": ["available"]}, keep={"gateway": "InternetGateways[0].InternetGatewayId"}, doc=DEFAULT_VPC)
call("its main route table", "ec2.DescribeRouteTables", {"Filters": [{"Name": "association.main", "Values": ["true"]}]},
     {"RouteTables[0].Routes[].[DestinationCidrBlock,GatewayId]": [["172.31.0.0/16", "local"], ["0.0.0.0/0", "$gateway"]]}, doc=DEFAULT_VPC)
call("its default security group", "ec2.DescribeSecurityGroups", {"GroupNames": ["default"]},
     {"SecurityGroups[0].IpPermissions[].[IpProtocol,length(UserIdGroupPairs)]": [["-1", 1]],
      "SecurityGroups[0].IpPermissionsEgress[].[IpProtocol,IpRanges[0].CidrIp]": [["-1", "0.0.0.0/0"]]},
     keep={"default_group": "SecurityGroups[0].GroupId"}, doc=GUIDE + "default-security-group.html")

call("a VPC that is not there", "ec2.DescribeVpcs", {"VpcIds": ["vpc-" + NONE]}, error="InvalidVpcID.NotFound")
call("a subnet that is not there", "ec2.DescribeSubnets", {"SubnetIds": ["subnet-" + NONE]}, error="InvalidSubnetID.NotFound")
call("a route table that is not there", "ec2.DescribeRouteTables", {"RouteTableIds": ["rtb-" + NONE]}, error="InvalidRouteTableID.NotFound")
call("a security group that is not there", "ec2.DescribeSecurityGroups", {"GroupIds": ["sg-" + NONE]}, error="InvalidGroup.NotFound")
call("a filter that is none", "ec2.DescribeSubnets", {"Filters": [{"Name": "colour", "Values": ["red"]}]}, error="InvalidParameterValue")

call("an instance type", "ec2.DescribeInstanceTypes", {"InstanceTypes": ["t3.micro"]},
     {"InstanceTypes[].[VCpuInfo.DefaultVCpus,MemoryInfo.SizeInMiB,BurstablePerformanceSupported]": [[2, 1024, True]]},
     doc="https://docs.aws.amazon.com/ec2/latest/instancetypes/gp.html")
call("an instance type with Graviton", "ec2.DescribeInstanceTypes", {"InstanceTypes": ["t4g.small"]},
     {"InstanceTypes[].ProcessorInfo.SupportedArchitectures[]": ["arm64"]}, doc="https://docs.aws.amazon.com/ec2/latest/instancetypes/gp.html")
call("an instance type that is none", "ec2.DescribeInstanceTypes", {"InstanceTypes": ["t3.colossal"]}, error="InvalidInstanceType")

call("an image by its public parameter", "ssm.GetParameter", {"Name": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"},
     {"Parameter.Type": "String", "starts_with(Parameter.Value, 'ami-')": True}, keep={"image": "Parameter.Value"})
call("the same for arm64", "ssm.GetParameter", {"Name": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"},
     {"Parameter.Type": "String"}, keep={"arm": "Parameter.Value"})
call("a parameter that is not there", "ssm.GetParameter", {"Name": "/none/of/these"}, error="ParameterNotFound")
call("two parameters, one of which is not there", "ssm.GetParameters",
     {"Names": ["/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64", "/none/of/these"]},
     {"length(Parameters)": 1, "InvalidParameters": ["/none/of/these"]})
call("parameters below a path", "ssm.GetParametersByPath", {"Path": "/aws/service/ami-amazon-linux-latest", "MaxResults": 10},
     {"Parameters[?!starts_with(Name, '/aws/service/ami-amazon-linux-latest/')]": []})

call("a key", "ec2.ImportKeyPair", {"KeyName": "mine", "PublicKeyMaterial": KEY.encode()},
     {"KeyName": "mine"}, keep={"key": "KeyPairId"})
call("the same name again", "ec2.ImportKeyPair", {"KeyName": "mine", "PublicKeyMaterial": KEY.encode()}, error="InvalidKeyPair.Duplicate")
call("a key that is none", "ec2.ImportKeyPair", {"KeyName": "other", "PublicKeyMaterial": b"no key"}, error="InvalidKey.Format")
call("keys by name", "ec2.DescribeKeyPairs", {"KeyNames": ["mine"]}, {"KeyPairs[].[KeyName,KeyPairId]": [["mine", "$key"]]})
call("a key that is not there", "ec2.DescribeKeyPairs", {"KeyNames": ["theirs"]}, error="InvalidKeyPair.NotFound")

call("a security group", "ec2.CreateSecurityGroup", {"GroupName": "web", "Description": "web", "VpcId": "$vpc"}, keep={"group": "GroupId"},
     expect={"starts_with(GroupId, 'sg-')": True})
call("the same name again in the VPC", "ec2.CreateSecurityGroup", {"GroupName": "web", "Description": "web", "VpcId": "$vpc"}, error="InvalidGroup.Duplicate")
call("a group in a VPC that is not there", "ec2.CreateSecurityGroup", {"GroupName": "w", "Description": "w", "VpcId": "vpc-" + NONE}, error="InvalidVpcID.NotFound")
call("a new group lets everything out and nothing in", "ec2.DescribeSecurityGroups", {"GroupIds": ["$group"]},
     {"SecurityGroups[0].IpPermissions": [], "SecurityGroups[0].IpPermissionsEgress[].IpProtocol": ["-1"]}, doc=GUIDE + "security-group-rules.html")
HTTP = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "100.68.0.18/18", "Description": "some"}]}
call("a rule, whose block AWS writes its own way", "ec2.AuthorizeSecurityGroupIngress", {"GroupId": "$group", "IpPermissions": [HTTP]},
     {"SecurityGroupRules[].[CidrIpv4,FromPort,IsEgress]": [["100.68.0.0/18", 80, False]]}, keep={"rule": "SecurityGroupRules[0].SecurityGroupRuleId"})
call("the same rule again", "ec2.AuthorizeSecurityGroupIngress", {"GroupId": "$group", "IpPermissions": [HTTP]}, error="InvalidPermission.Duplicate")
call("a rule for a group that is not there", "ec2.AuthorizeSecurityGroupIngress",
     {"GroupId": "$group", "IpPermissions": [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-" + NONE}]}]}, error="InvalidGroup.NotFound")
call("the group's rules one by one", "ec2.DescribeSecurityGroupRules", {"Filters": [{"Name": "group-id", "Values": ["$group"]}]},
     {"sort(SecurityGroupRules[].IpProtocol)": ["-1", "tcp"]})
call("a rule by its id", "ec2.DescribeSecurityGroupRules", {"SecurityGroupRuleIds": ["$rule"]}, {"SecurityGroupRules[].Description": ["some"]})
call("a rule moved to another port", "ec2.ModifySecurityGroupRules", {"GroupId": "$group", "SecurityGroupRules": [{
    "SecurityGroupRuleId": "$rule", "SecurityGroupRule": {"IpProtocol": "tcp", "FromPort": 81, "ToPort": 81, "CidrIpv4": "10.0.0.0/8"}}]}, {"Return": True})
call("a rule that is not there taken away, in a default VPC", "ec2.RevokeSecurityGroupIngress", {"GroupId": "$group", "IpPermissions": [HTTP]},
     {"Return": True, "length(UnknownIpPermissions)": 1})
call("a rule taken away by its id", "ec2.RevokeSecurityGroupIngress", {"GroupId": "$group", "SecurityGroupRuleIds": ["$rule"]},
     {"Return": True})
call("nothing comes in any more", "ec2.DescribeSecurityGroups", {"GroupIds": ["$group"]}, {"SecurityGroups[0].IpPermissions": []})
call("the default group cannot go", "ec2.DeleteSecurityGroup", {"GroupId": "$default_group"}, error="CannotDelete", doc=EC2 + "errors-overview.html")
call("a group that is not there cannot go", "ec2.DeleteSecurityGroup", {"GroupId": "sg-" + NONE}, error="InvalidGroup.NotFound")
