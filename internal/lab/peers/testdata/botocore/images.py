"""Images, their permissions and their snapshots."""

from ask import EC2, call

USER = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/"
NONE = "0123456789abcdef0"
PARTNER = "111122223333"

call("a public image of Amazon's", "ec2.DescribeImages", {"ImageIds": ["$image"]}, {
    "Images[].[State,Architecture,RootDeviceType,VirtualizationType,Public,ImageOwnerAlias,ImdsSupport]":
        [["available", "x86_64", "ebs", "hvm", True, "amazon", "v2.0"]]})
call("the newest of a name", "ec2.DescribeImages", {"Owners": ["amazon"], "Filters": [
    {"Name": "name", "Values": ["al2023-ami-2023.*-x86_64"]}, {"Name": "state", "Values": ["available"]}]},
     {"Images[?!starts_with(Name, 'al2023-ami-2023.')]": [], "length(Images) > `0`": True})
call("none of one's own yet", "ec2.DescribeImages", {"Owners": ["self"]}, {"length(Images)": 0})
call("an image id that is not there", "ec2.DescribeImages", {"ImageIds": ["ami-" + NONE]}, error="InvalidAMIID.NotFound")
call("an image id that is none, described", "ec2.DescribeImages", {"ImageIds": ["image"]}, error="InvalidAMIID.Malformed")
call("somebody else's image cannot be deregistered", "ec2.DeregisterImage", {"ImageId": "$image"}, error="AuthFailure")
call("nor shared", "ec2.ModifyImageAttribute", {"ImageId": "$image", "LaunchPermission": {"Add": [{"UserId": PARTNER}]}}, error="AuthFailure")

call("an image of an instance", "ec2.CreateImage", {"InstanceId": "$one", "Name": "golden", "Description": "of one", "NoReboot": True,
     "TagSpecifications": [{"ResourceType": kind, "Tags": [{"Key": "Role", "Value": "golden"}]} for kind in ("image", "snapshot")]},
     {"starts_with(ImageId, 'ami-')": True}, keep={"golden": "ImageId"})
call("the same name again for an image", "ec2.CreateImage", {"InstanceId": "$one", "Name": "golden"}, error="InvalidAMIName.Duplicate")
call("a name with a hash", "ec2.CreateImage", {"InstanceId": "$one", "Name": "gold#en"}, error="InvalidAMIName.Malformed")
call("an image of an instance that is not there", "ec2.CreateImage", {"InstanceId": "i-" + NONE, "Name": "other"}, error="InvalidInstanceID.NotFound")
call("until it is available", "ec2.wait.image_available", {"ImageIds": ["$golden"]}, doc=EC2 + "API_DescribeImages.html")
call("the image has a snapshot and its tags", "ec2.DescribeImages", {"ImageIds": ["$golden"]}, {
    "Images[].[State,Public,SourceInstanceId,RootDeviceName,Description]": [["available", False, "$one", "/dev/xvda", "of one"]],
    "Images[0].Tags": [{"Key": "Role", "Value": "golden"}],
    "Images[0].ImageLocation == join('/', [Images[0].OwnerId, 'golden'])": True,
}, keep={"snapshot": "Images[0].BlockDeviceMappings[0].Ebs.SnapshotId"})
call("until its snapshot is completed", "ec2.wait.snapshot_completed", {"SnapshotIds": ["$snapshot"]}, doc=EC2 + "API_DescribeSnapshots.html")
call("the snapshot", "ec2.DescribeSnapshots", {"OwnerIds": ["self"]}, {
    "Snapshots[].[SnapshotId,State,Progress,VolumeId]": [["$snapshot", "completed", "100%", "$volume"]],
    "Snapshots[0].Tags": [{"Key": "Role", "Value": "golden"}]})
call("a snapshot that an image uses cannot go", "ec2.DeleteSnapshot", {"SnapshotId": "$snapshot"}, error="InvalidSnapshot.InUse")
call("a snapshot that is not there", "ec2.DescribeSnapshots", {"SnapshotIds": ["snap-" + NONE]}, error="InvalidSnapshot.NotFound")
call("a snapshot id that is none", "ec2.DescribeSnapshots", {"SnapshotIds": ["snapshot"]}, error="InvalidSnapshotID.Malformed")

call("shared with an account", "ec2.ModifyImageAttribute", {"ImageId": "$golden", "LaunchPermission": {"Add": [{"UserId": PARTNER}]}},
     {"ResponseMetadata.HTTPStatusCode": 200})
call("with whom it is shared", "ec2.DescribeImageAttribute", {"ImageId": "$golden", "Attribute": "launchPermission"},
     {"LaunchPermissions": [{"UserId": PARTNER}]})
call("another description", "ec2.ModifyImageAttribute", {"ImageId": "$golden", "Description": {"Value": "of gold"}}, {"ResponseMetadata.HTTPStatusCode": 200})
call("the description", "ec2.DescribeImageAttribute", {"ImageId": "$golden", "Attribute": "description"}, {"Description.Value": "of gold"})
call("no longer shared", "ec2.ModifyImageAttribute", {"ImageId": "$golden", "LaunchPermission": {"Remove": [{"UserId": PARTNER}]}},
     {"ResponseMetadata.HTTPStatusCode": 200})
call("with nobody", "ec2.DescribeImageAttribute", {"ImageId": "$golden", "Attribute": "launchPermission"}, {"LaunchPermissions": []})
call("an instance of the own image", "ec2.RunInstances", {"ImageId": "$golden", "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1},
     {"Instances[].ImageId": ["$golden"]}, keep={"three": "Instances[0].InstanceId"})
call("deregistered", "ec2.DeregisterImage", {"ImageId": "$golden"}, {"ResponseMetadata.HTTPStatusCode": 200}, doc=USER + "deregister-ami.html")
call("no image of one's own any more", "ec2.DescribeImages", {"Owners": ["self"]}, {"length(Images)": 0})
call("its snapshot stays", "ec2.DescribeSnapshots", {"OwnerIds": ["self"]}, {"Snapshots[].SnapshotId": ["$snapshot"]}, doc=USER + "deregister-ami.html")
call("and can go now", "ec2.DeleteSnapshot", {"SnapshotId": "$snapshot"}, {"ResponseMetadata.HTTPStatusCode": 200})
call("but not twice", "ec2.DeleteSnapshot", {"SnapshotId": "$snapshot"}, error="InvalidSnapshot.NotFound")
