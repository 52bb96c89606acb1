package image

import (
	"fmt"
	"strings"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// brokenOff says that a command has ended without an answer.
type brokenOff struct{ command, instance, state, details, output string }

// Error says how, with what it has printed.
func (e *brokenOff) Error() string {
	text := fmt.Sprintf("command %s on %s ended as %s (%s) without an answer", e.command, e.instance, e.state, e.details)
	if strings.TrimSpace(e.output) == "" {
		return text + "; it printed nothing"
	}
	return text + "; its output ends with:\n\n" + e.output
}

// agentError says that an instance's agent did not come.
type agentError struct {
	instance cloud.Instance
	waited   time.Duration
	// only is set when there is no other transport.
	only bool
}

// Error says what keeps it away, as far as can be seen from here.
func (e *agentError) Error() string {
	text := fmt.Sprintf("the SSM agent of %s has not registered within %s: ", e.instance.ID, e.waited)
	if e.instance.InstanceProfileARN == "" {
		return text + "the instance has no instance profile. Set bake.iam_instance_profile to one whose role has the policy AmazonSSMManagedInstanceCore, " +
			"or switch on Default Host Management Configuration in this account and region"
	}
	return text + fmt.Sprintf("the instance profile %s is there, so either its role lacks the policy AmazonSSMManagedInstanceCore, "+
		"or the source image has no agent, or the subnet has no way to Systems Manager (a NAT gateway, a public address, or the endpoints ssm, ssmmessages and ec2messages)",
		e.instance.InstanceProfileARN)
}
