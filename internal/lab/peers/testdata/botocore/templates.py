"""Launch templates."""

from ask import EC2, call

USER = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/"
NONE = "0123456789abcdef0"
DATA = {"ImageId": "$image", "InstanceType": "t3.micro", "TagSpecifications": [
    {"ResourceType": "instance", "Tags": [{"Key": "From", "Value": "template"}]}]}

call("a launch template", "ec2.CreateLaunchTemplate", {"LaunchTemplateName": "web", "LaunchTemplateData": DATA, "VersionDescription": "first"},
     {"LaunchTemplate.[LaunchTemplateName,DefaultVersionNumber,LatestVersionNumber]": ["web", 1, 1]}, keep={"template": "LaunchTemplate.LaunchTemplateId"})
call("the same name again for a template", "ec2.CreateLaunchTemplate", {"LaunchTemplateName": "web", "LaunchTemplateData": DATA},
     error="InvalidLaunchTemplateName.AlreadyExistsException")
call("a name with a space", "ec2.CreateLaunchTemplate", {"LaunchTemplateName": "a web", "LaunchTemplateData": DATA},
     error="InvalidLaunchTemplateName.MalformedException")
call("a version over the first", "ec2.CreateLaunchTemplateVersion", {"LaunchTemplateName": "web", "SourceVersion": "1",
     "LaunchTemplateData": {"InstanceType": "t3.small"}},
     {"LaunchTemplateVersion.[VersionNumber,DefaultVersion,LaunchTemplateData.InstanceType,LaunchTemplateData.ImageId]": [2, False, "t3.small", "$image"]})
call("all versions", "ec2.DescribeLaunchTemplateVersions", {"LaunchTemplateId": "$template"},
     {"sort(LaunchTemplateVersions[].VersionNumber)": [1, 2]})
call("the versions that move", "ec2.DescribeLaunchTemplateVersions", {"LaunchTemplateId": "$template", "Versions": ["$Default"]},
     {"LaunchTemplateVersions[].[VersionNumber,VersionDescription]": [[1, "first"]]})
call("the latest versions of all templates", "ec2.DescribeLaunchTemplateVersions", {"Versions": ["$Latest"]},
     {"LaunchTemplateVersions[].[LaunchTemplateName,VersionNumber]": [["web", 2]]})
call("a version that is not there", "ec2.DescribeLaunchTemplateVersions", {"LaunchTemplateId": "$template", "Versions": ["7"]},
     error="InvalidLaunchTemplateId.VersionNotFound")
call("a template that is not there", "ec2.DescribeLaunchTemplates", {"LaunchTemplateIds": ["lt-" + NONE]}, error="InvalidLaunchTemplateId.NotFound")
call("a template id that is none", "ec2.DescribeLaunchTemplates", {"LaunchTemplateIds": ["web"]}, error="InvalidLaunchTemplateId.Malformed")
call("a template's name that is not there", "ec2.DescribeLaunchTemplates", {"LaunchTemplateNames": ["wob"]},
     error="InvalidLaunchTemplateName.NotFoundException")
call("from the default version", "ec2.RunInstances", {"LaunchTemplate": {"LaunchTemplateName": "web"}, "MinCount": 1, "MaxCount": 1},
     {"Instances[].InstanceType": ["t3.micro"], "Instances[0].Tags[?Key=='From'].Value": ["template"]}, keep={"four": "Instances[0].InstanceId"})
call("from the latest version, but larger", "ec2.RunInstances", {
    "LaunchTemplate": {"LaunchTemplateId": "$template", "Version": "$Latest"}, "InstanceType": "t3.large", "MinCount": 1, "MaxCount": 1},
     {"Instances[].InstanceType": ["t3.large"]}, keep={"five": "Instances[0].InstanceId"})
call("where an instance of a template is from", "ec2.DescribeTags", {"Filters": [
    {"Name": "resource-id", "Values": ["$five"]}, {"Name": "key", "Values": ["aws:ec2launchtemplate:*"]}]},
     {"sort(Tags[].Value) == sort(['2', Tags[?Key=='aws:ec2launchtemplate:id'].Value | [0]])": True,
      "Tags[?Key=='aws:ec2launchtemplate:id'].Value": ["$template"]}, doc=USER + "launch-instances-from-launch-template.html")
call("another default version", "ec2.ModifyLaunchTemplate", {"LaunchTemplateId": "$template", "DefaultVersion": "2"},
     {"LaunchTemplate.[DefaultVersionNumber,LatestVersionNumber]": [2, 2]})
call("the default version cannot go, the other can", "ec2.DeleteLaunchTemplateVersions", {"LaunchTemplateId": "$template", "Versions": ["1", "2", "9"]}, {
    "SuccessfullyDeletedLaunchTemplateVersions[].VersionNumber": [1],
    "sort(UnsuccessfullyDeletedLaunchTemplateVersions[].VersionNumber)": [2, 9],
    "UnsuccessfullyDeletedLaunchTemplateVersions[?VersionNumber==`9`].ResponseError.Code": ["launchTemplateVersionDoesNotExist"]})
call("the template is deleted", "ec2.DeleteLaunchTemplate", {"LaunchTemplateName": "web"}, {"LaunchTemplate.LaunchTemplateId": "$template"})
call("and gone", "ec2.DescribeLaunchTemplates", {"Filters": [{"Name": "launch-template-name", "Values": ["web"]}]}, {"LaunchTemplates": []})
