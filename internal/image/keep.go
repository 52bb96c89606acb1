package image

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

func asFailure(err error) (*report.Failure, bool) { return errors.AsType[*report.Failure](err) }

// kept is a temporary instance that is left to be looked at, in words.
type kept struct {
	now, next string
	err       error
}

// keep marks a temporary instance whose run has failed, so that nobody takes it up or
// removes it but the next apply, and starts it when it has stopped itself.
func (r *run) keep(ctx context.Context, instance cloud.Instance, cause error) kept {
	if err := r.aws.CreateTags(ctx, []string{instance.ID}, cloud.Tags{cloud.TagKept: tagText(cause)}); err != nil {
		return kept{err: err}
	}
	r.kept = append(r.kept, instance.ID)
	role := "builder"
	if instance.Tags[cloud.TagRole] == cloud.RoleProof {
		role = "test instance"
	}
	r.options.Progress.Printf("%s %s is kept to be looked at", role, instance.ID)
	now := fmt.Sprintf("the %s keeps running, and is billed, until the next apply or destroy", role)
	if found, err := r.awake(ctx, instance); err != nil {
		now += "; it has stopped itself and does not start: " + err.Error()
	} else {
		instance = found
	}
	return kept{
		now: now,
		next: "look at it:\n" + strings.Join(r.sessions(instance), "\n") +
			"\nThen correct the cause and run terraform apply again: it removes the " + role + " first; terraform destroy removes it too",
	}
}

// awake returns the instance as it is, started if it has stopped. What it was about to do
// at a boot has been removed with its failure.
func (r *run) awake(ctx context.Context, instance cloud.Instance) (cloud.Instance, error) {
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	started := false
	return cloud.Poll[cloud.Instance]{
		What: fmt.Sprintf("instance %s (%s) to run", instance.ID, r.aws.Name()),
		Read: func(ctx context.Context) (cloud.Instance, string, string, error) {
			found, err := r.aws.Instances(ctx, cloud.InstanceQuery{IDs: []string{instance.ID}})
			if err != nil || len(found) == 0 {
				return instance, cloud.InstancePending, "", err
			}
			if found[0].State == cloud.InstanceStopped && !started {
				started = true
				return found[0], cloud.InstancePending, "", r.aws.StartInstance(ctx, instance.ID)
			}
			return found[0], found[0].State, found[0].StateReason, nil
		},
		Pending: []string{cloud.InstancePending, cloud.InstanceStopping, cloud.InstanceStopped},
		Target:  []string{cloud.InstanceRunning},
	}.Wait(limited)
}

// sessions are the commands that lead into an instance, as far as it has a door.
func (r *run) sessions(instance cloud.Instance) []string {
	var commands []string
	region := r.aws.Name()
	if instance.InstanceProfileARN != "" {
		commands = append(commands, fmt.Sprintf("  aws ssm start-session --region %s --target %s", region, instance.ID))
	}
	if !r.spec.windows() {
		commands = append(commands, "  # needs an inbound rule for SSH from you, or an EC2 Instance Connect Endpoint",
			fmt.Sprintf("  aws ec2-instance-connect ssh --region %s --instance-id %s", region, instance.ID))
	}
	return append(commands, fmt.Sprintf("  aws ec2 get-console-output --region %s --instance-id %s --latest --output text", region, instance.ID))
}

// tagText is the beginning of an error in characters that every service takes in a tag.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions
func tagText(err error) string {
	first, _, _ := strings.Cut(err.Error(), "\n")
	text := strings.Join(strings.Fields(strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || unicode.IsDigit(c) || strings.ContainsRune("_.:/=+-@", c) {
			return c
		}
		return ' '
	}, first)), " ")
	const most = 256
	letters := []rune(text)
	return string(letters[:min(len(letters), most)])
}

// removeKept ends what an earlier apply has left to be looked at.
func (r *run) removeKept(ctx context.Context) error {
	isKept := func(instance cloud.Instance) bool { return instance.Tags[cloud.TagKept] != "" }
	var ended []string
	for _, list := range []*[]cloud.Instance{&r.line.Builders, &r.line.Proofs} {
		var others []cloud.Instance
		for _, instance := range *list {
			if isKept(instance) {
				ended = append(ended, instance.ID)
			} else {
				others = append(others, instance)
			}
		}
		*list = others
	}
	if len(ended) == 0 {
		return nil
	}
	r.options.Progress.Printf("removing what was kept to be looked at: %s", strings.Join(ended, ", "))
	return r.endAll(ctx, ended)
}
