package protocol

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// events are what may happen beside Terraform.
func events(typeName string) []string {
	if typeName == fleetType {
		return []string{"an instance ends", "an instance stops", "an instance is impaired", "a tag is written by hand", "an instance leaves a group"}
	}
	return []string{"a newer source", "a file changes", "a file goes", "months pass", "the oldest version goes", "the newest version goes", "a tag is written by hand"}
}

// befall lets something happen. What it would happen to may not be there.
func (w *world) befall(event string, c *core) {
	switch event {
	case "an instance ends":
		w.strike(c, "terminated")
	case "an instance stops":
		w.strike(c, "stopped")
	case "an instance is impaired":
		w.strike(c, "impaired")
	case "a tag is written by hand":
		w.tag(c)
	case "an instance leaves a group":
		for _, id := range w.running(c) {
			_, _ = w.ec2.ModifyInstanceAttribute(c.ctx, &ec2.ModifyInstanceAttributeInput{ // it may have ended
				InstanceId: aws.String(id), Groups: []string{w.names["@sg0"]},
			})
			return
		}
	case "a newer source":
		w.publish()
	case "a file changes":
		w.write("file", "two")
		w.write("d/a", "b")
	case "a file goes":
		w.remove("file")
		w.remove("d/a")
	case "months pass":
		<-time.After(4 * 30 * 24 * time.Hour)
	case "the oldest version goes":
		w.deregister(c, -1)
	case "the newest version goes":
		w.deregister(c, 0)
	}
}

// running are the instances that a fleet's state has.
func (w *world) running(c *core) (ids []string) {
	all, _ := c.object.value["instance_ids"].([]any)
	for _, id := range all {
		if text, ok := id.(string); ok && c.object.value["region"] == "us-east-1" {
			ids = append(ids, text)
		}
	}
	return ids
}

func (w *world) strike(c *core, state string) {
	for _, id := range w.running(c) {
		w.must(w.lab.SetState(id, state))
		return
	}
}

func (w *world) tag(c *core) {
	ids := w.running(c)
	if id, ok := c.object.value["image_id"].(string); ok && c.typeName == imageType && c.object.value["region"] == "us-east-1" {
		ids = []string{id}
	}
	for _, id := range ids {
		_, _ = w.ec2.CreateTags(c.ctx, &ec2.CreateTagsInput{ // it may be gone by now
			Resources: []string{id}, Tags: []ec2types.Tag{{Key: aws.String("LastBackup"), Value: aws.String("today")}},
		})
		return
	}
}

// deregister takes a version away: 0 is the newest, -1 the oldest.
func (w *world) deregister(c *core, which int) {
	versions, _ := c.object.value["versions"].([]any)
	if len(versions) == 0 || c.object.value["region"] != "us-east-1" {
		return
	}
	version, _ := versions[(which+len(versions))%len(versions)].(map[string]any)
	id, _ := version["image_id"].(string)
	_, _ = w.ec2.DeregisterImage(c.ctx, &ec2.DeregisterImageInput{ImageId: aws.String(id)}) // it may be protected
}
