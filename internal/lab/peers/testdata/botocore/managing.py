"""Systems Manager: parameters of one's own, and commands where instances have an inside."""

from ask import SSM, call

NONE = "0123456789abcdef0"

call("a parameter of one's own", "ssm.PutParameter", {"Name": "/peers/one", "Value": "first", "Type": "String", "Tags": [{"Key": "a", "Value": "b"}]},
     {"[Version,Tier]": [1, "Standard"]})
call("the same name, not to be overwritten", "ssm.PutParameter", {"Name": "/peers/one", "Value": "second", "Type": "String"}, error="ParameterAlreadyExists")
call("overwritten", "ssm.PutParameter", {"Name": "/peers/one", "Value": "second", "Type": "String", "Overwrite": True}, {"Version": 2})
call("its present value", "ssm.GetParameter", {"Name": "/peers/one"}, {"Parameter.[Value,Version,Type]": ["second", 2, "String"]})
call("its former value", "ssm.GetParameter", {"Name": "/peers/one:1"}, {"Parameter.[Value,Version]": ["first", 1]})
call("a version that there never was", "ssm.GetParameter", {"Name": "/peers/one:9"}, error="ParameterVersionNotFound")
call("a name that begins with aws", "ssm.PutParameter", {"Name": "aws/one", "Value": "x", "Type": "String"}, error="ValidationException",
     doc=SSM + "API_PutParameter.html")
call("the tags of a parameter", "ssm.ListTagsForResource", {"ResourceType": "Parameter", "ResourceId": "/peers/one"}, {"TagList": [{"Key": "a", "Value": "b"}]})
call("parameters described", "ssm.DescribeParameters", {"ParameterFilters": [{"Key": "Name", "Option": "BeginsWith", "Values": ["/peers"]}]},
     {"Parameters[].[Name,Type,Version]": [["/peers/one", "String", 2]]})
call("it goes", "ssm.DeleteParameter", {"Name": "/peers/one"}, {"ResponseMetadata.HTTPStatusCode": 200})
call("but not twice, the parameter", "ssm.DeleteParameter", {"Name": "/peers/one"}, error="ParameterNotFound")
call("several, of which none is there", "ssm.DeleteParameters", {"Names": ["/peers/one"]}, {"InvalidParameters": ["/peers/one"], "DeletedParameters": []})

call("a command for an instance that is not there", "ssm.SendCommand", {"DocumentName": "AWS-RunShellScript", "InstanceIds": ["i-" + NONE],
     "Parameters": {"commands": ["true"]}}, error="InvalidInstanceId")
call("a document that is not there", "ssm.SendCommand", {"DocumentName": "Peers-None", "InstanceIds": ["i-" + NONE]}, error="InvalidDocument")
call("an invocation that there never was", "ssm.GetCommandInvocation", {"CommandId": "00000000-0000-4000-8000-000000000000", "InstanceId": "i-" + NONE},
     error="InvocationDoesNotExist")
