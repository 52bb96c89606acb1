package lab

// listenerAttributes are the attributes of a balancer's listeners.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ListenerAttribute.html
func (b *loadBalancer) listenerAttributes() []elbAttribute {
	if b.kind == balancerNetwork {
		return []elbAttribute{{"tcp.idle_timeout.seconds", "350", numberIn(60, 6000)}}
	}
	known := []elbAttribute{{"routing.http.response.server.enabled", "true", trueOrFalse}}
	for _, name := range []string{
		"strict_transport_security", "access_control_allow_origin", "access_control_allow_methods",
		"access_control_allow_headers", "access_control_allow_credentials", "access_control_expose_headers",
		"access_control_max_age", "content_security_policy", "x_content_type_options", "x_frame_options",
	} {
		known = append(known, elbAttribute{"routing.http.response." + name + ".header_value", "", anything})
	}
	return known
}

// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeListenerAttributes.html
func (r *region) describeListenerAttributes(in *listenerInput) (*attributesOutput, *apiError) {
	found, err := r.listener(in.ListenerArn)
	if err != nil {
		return nil, err
	}
	return &attributesOutput{Attributes: attributeItems(found.attributes)}, nil
}

type modifyListenerAttributesInput struct {
	ListenerArn string
	Attributes  []attributeItem
}

// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyListenerAttributes.html
func (r *region) modifyListenerAttributes(in *modifyListenerAttributesInput) (*attributesOutput, *apiError) {
	found, err := r.listener(in.ListenerArn)
	if err != nil {
		return nil, err
	}
	values, err := changed(found.attributes, found.of.listenerAttributes(), in.Attributes)
	if err != nil {
		return nil, err
	}
	found.attributes = values
	return &attributesOutput{Attributes: attributeItems(found.attributes)}, nil
}
