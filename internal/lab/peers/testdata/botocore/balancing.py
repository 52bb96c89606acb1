"""Target groups, and load balancers to use them."""

from ask import ELB, call

APPLICATION = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/"
HEALTH = ELB + "API_TargetHealth.html"
NONE = "0123456789abcdef0"
WEB = {"Name": "web", "Protocol": "HTTP", "Port": 80, "VpcId": "$vpc"}
TCP = {"Name": "tcp", "Protocol": "TCP", "Port": 80, "VpcId": "$vpc"}


def refused(what, error, **change):
    """A target group that is refused."""
    call(what, "elbv2.CreateTargetGroup", {**WEB, "Name": "other", **change}, error=error)


call("a target group", "elbv2.CreateTargetGroup", WEB, {
    "TargetGroups[].[HealthCheckProtocol,HealthCheckPort,HealthCheckPath,HealthCheckIntervalSeconds,HealthCheckTimeoutSeconds]":
        [["HTTP", "traffic-port", "/", 30, 5]],
    "TargetGroups[].[HealthyThresholdCount,UnhealthyThresholdCount,Matcher.HttpCode,TargetType,IpAddressType,ProtocolVersion,HealthCheckEnabled]":
        [[5, 2, "200", "instance", "ipv4", "HTTP1", True]],
}, keep={"web": "TargetGroups[0].TargetGroupArn"}, doc=APPLICATION + "target-group-health-checks.html")
call("the same group again", "elbv2.CreateTargetGroup", WEB, {"TargetGroups[].TargetGroupArn": ["$web"]})
call("another group of the name", "elbv2.CreateTargetGroup", dict(WEB, Port=81), error="DuplicateTargetGroupName")
call("a group for TCP", "elbv2.CreateTargetGroup", TCP, {
    "TargetGroups[].[HealthCheckProtocol,HealthCheckTimeoutSeconds,HealthCheckPath,Matcher]": [["TCP", 10, None, None]]}, keep={"tcp": "TargetGroups[0].TargetGroupArn"})
refused("a name with a dot", "ValidationError", Name="a.b")
refused("a name that ends with a hyphen", "ValidationError", Name="ab-")
refused("a name of 33 characters", "ValidationError", Name="a" * 33)
refused("a VPC of nobody's", "ValidationError", VpcId="vpc-" + NONE)
refused("HTTP checked by TCP", "InvalidConfigurationRequest", HealthCheckProtocol="TCP")
refused("a timeout as long as the interval", "ValidationError", HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=5)
refused("a matcher beyond 499", "ValidationError", Matcher={"HttpCode": "500"})
refused("a tag twice", "DuplicateTagKeys", Tags=[{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}])
call("groups by name", "elbv2.DescribeTargetGroups", {"Names": ["web"]}, {"TargetGroups[].TargetGroupArn": ["$web"]})
call("a group that is not there", "elbv2.DescribeTargetGroups", {"Names": ["none"]}, error="TargetGroupNotFound")
call("the first of two pages", "elbv2.DescribeTargetGroups", {"PageSize": 1}, {"length(TargetGroups)": 1}, keep={"marker": "NextMarker"})
call("the second of two pages", "elbv2.DescribeTargetGroups", {"PageSize": 1, "Marker": "$marker"}, {"length(TargetGroups)": 1, "NextMarker": None})
call("another path for checks", "elbv2.ModifyTargetGroup", {"TargetGroupArn": "$web", "HealthCheckPath": "/up"},
     {"TargetGroups[].[HealthCheckPath,HealthCheckIntervalSeconds]": [["/up", 30]]})
call("attributes of HTTP groups", "elbv2.DescribeTargetGroupAttributes", {"TargetGroupArn": "$web"}, {
    "Attributes[?Key=='deregistration_delay.timeout_seconds'].Value": ["300"], "Attributes[?Key=='stickiness.type'].Value": ["lb_cookie"],
    "Attributes[?Key=='load_balancing.algorithm.type'].Value": ["round_robin"], "Attributes[?Key=='slow_start.duration_seconds'].Value": ["0"],
}, doc=ELB + "API_TargetGroupAttribute.html")
call("attributes of TCP groups", "elbv2.DescribeTargetGroupAttributes", {"TargetGroupArn": "$tcp"}, {
    "Attributes[?Key=='stickiness.type'].Value": ["source_ip"], "Attributes[?Key=='proxy_protocol_v2.enabled'].Value": ["false"],
    "Attributes[?Key=='preserve_client_ip.enabled'].Value": ["true"]}, doc=ELB + "API_TargetGroupAttribute.html")
call("a shorter delay", "elbv2.ModifyTargetGroupAttributes", {"TargetGroupArn": "$web", "Attributes": [
    {"Key": "deregistration_delay.timeout_seconds", "Value": "20"}]}, {"Attributes[?Key=='deregistration_delay.timeout_seconds'].Value": ["20"]})
call("an attribute that is none", "elbv2.ModifyTargetGroupAttributes", {"TargetGroupArn": "$web", "Attributes": [
    {"Key": "colour", "Value": "red"}]}, error="InvalidConfigurationRequest")
call("tags of a group", "elbv2.AddTags", {"ResourceArns": ["$web"], "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]},
     {"ResponseMetadata.HTTPStatusCode": 200})
call("one tag less", "elbv2.RemoveTags", {"ResourceArns": ["$web"], "TagKeys": ["a"]}, {"ResponseMetadata.HTTPStatusCode": 200})
call("the group's tags", "elbv2.DescribeTags", {"ResourceArns": ["$web"]}, {"TagDescriptions[].Tags[]": [{"Key": "b", "Value": "2"}]})

call("a target", "elbv2.RegisterTargets", {"TargetGroupArn": "$web", "Targets": [{"Id": "$one"}]}, {"ResponseMetadata.HTTPStatusCode": 200})
call("a target that is not there", "elbv2.RegisterTargets", {"TargetGroupArn": "$web", "Targets": [{"Id": "i-" + NONE}]}, error="InvalidTarget")
call("no load balancer uses the group", "elbv2.DescribeTargetHealth", {"TargetGroupArn": "$web"}, {
    "TargetHealthDescriptions[].[Target.Id,Target.Port,TargetHealth.State,TargetHealth.Reason]": [["$one", 80, "unused", "Target.NotInUse"]]}, doc=HEALTH)
call("one that is not registered", "elbv2.DescribeTargetHealth", {"TargetGroupArn": "$web", "Targets": [{"Id": "$two"}]}, {
    "TargetHealthDescriptions[].TargetHealth.[State,Reason]": [["unused", "Target.NotRegistered"]]}, doc=HEALTH)
call("a load balancer in one zone", "elbv2.CreateLoadBalancer", {"Name": "front", "Subnets": ["$subnet"]}, error="ValidationError",
     doc=ELB + "API_CreateLoadBalancer.html")
call("a load balancer in no subnet", "elbv2.CreateLoadBalancer", {"Name": "front", "Subnets": ["subnet-" + NONE, "$subnet"]}, error="SubnetNotFound")
call("a load balancer", "elbv2.CreateLoadBalancer", {"Name": "front", "Subnets": ["$subnet", "$subnet2"]}, {
    "LoadBalancers[].[Type,Scheme,VpcId,length(AvailabilityZones)]": [["application", "internet-facing", "$vpc", 2]]},
     keep={"balancer": "LoadBalancers[0].LoadBalancerArn"})
call("until it is active", "elbv2.wait.load_balancer_available", {"LoadBalancerArns": ["$balancer"]}, doc=ELB + "API_DescribeLoadBalancers.html")
FORWARD = {"LoadBalancerArn": "$balancer", "Protocol": "HTTP", "Port": 80, "DefaultActions": [{"Type": "forward", "TargetGroupArn": "$web"}]}
call("a listener", "elbv2.CreateListener", FORWARD, {
    "Listeners[].[Port,Protocol,DefaultActions[0].Type,DefaultActions[0].TargetGroupArn]": [[80, "HTTP", "forward", "$web"]]},
     keep={"listener": "Listeners[0].ListenerArn"})
call("another listener at the port", "elbv2.CreateListener", dict(FORWARD, DefaultActions=[
    {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]), error="DuplicateListener")
call("TCP behind an application load balancer", "elbv2.CreateListener", dict(FORWARD, Port=81, DefaultActions=[
    {"Type": "forward", "TargetGroupArn": "$tcp"}]), error="IncompatibleProtocols")
call("UDP at an application load balancer", "elbv2.CreateListener", dict(FORWARD, Port=81, Protocol="UDP"), error="UnsupportedProtocol")
call("who uses the group", "elbv2.DescribeTargetGroups", {"TargetGroupArns": ["$web"]}, {"TargetGroups[].LoadBalancerArns[]": ["$balancer"]})
call("until the target is healthy", "elbv2.wait.target_in_service", {"TargetGroupArn": "$web", "Targets": [{"Id": "$one"}]}, doc=HEALTH)
call("a group in use cannot go", "elbv2.DeleteTargetGroup", {"TargetGroupArn": "$web"}, error="ResourceInUse")
call("deregistered from its group", "elbv2.DeregisterTargets", {"TargetGroupArn": "$web", "Targets": [{"Id": "$one"}]}, {"ResponseMetadata.HTTPStatusCode": 200})
call("until it is deregistered", "elbv2.wait.target_deregistered", {"TargetGroupArn": "$web", "Targets": [{"Id": "$one"}]}, doc=HEALTH)
call("deregistered twice", "elbv2.DeregisterTargets", {"TargetGroupArn": "$web", "Targets": [{"Id": "$one"}]}, {"ResponseMetadata.HTTPStatusCode": 200})
call("the listener goes", "elbv2.DeleteListener", {"ListenerArn": "$listener"}, {"ResponseMetadata.HTTPStatusCode": 200})
call("and is gone", "elbv2.DescribeListeners", {"ListenerArns": ["$listener"]}, error="ListenerNotFound")
call("the group goes", "elbv2.DeleteTargetGroup", {"TargetGroupArn": "$web"}, {"ResponseMetadata.HTTPStatusCode": 200})
call("the group is gone", "elbv2.DescribeTargetHealth", {"TargetGroupArn": "$web"}, error="TargetGroupNotFound")
call("the load balancer goes", "elbv2.DeleteLoadBalancer", {"LoadBalancerArn": "$balancer"}, {"ResponseMetadata.HTTPStatusCode": 200})
call("it may go twice", "elbv2.DeleteLoadBalancer", {"LoadBalancerArn": "$balancer"}, {"ResponseMetadata.HTTPStatusCode": 200})
call("the load balancer is gone", "elbv2.DescribeLoadBalancers", {"Names": ["front"]}, error="LoadBalancerNotFound")
call("the other group goes", "elbv2.DeleteTargetGroup", {"TargetGroupArn": "$tcp"}, {"ResponseMetadata.HTTPStatusCode": 200})
