package provider_test

import (
	"fmt"
	"slices"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// region looks at the lab as the engines do, beside Terraform.
func (w *world) region() *cloud.Region {
	w.t.Helper()
	account, _, err := cloud.New(w.t.Context(), cloud.Config{
		Region: "us-east-1", AccessKey: "lab", SecretKey: "lab",
		Endpoints: map[string]string{"ec2": w.URL, "ssm": w.URL, "sts": w.URL},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	region, err := account.Region("")
	if err != nil {
		w.t.Fatal(err)
	}
	return region
}

// baseImage is an Amazon Linux image: the newest for 0, an older one for 1.
func (w *world) baseImage(age int) string {
	w.t.Helper()
	images, err := w.region().Images(w.t.Context(), cloud.ImageQuery{
		Owners:  []string{"amazon"},
		Filters: map[string][]string{"name": {"al2023-ami-2023*"}, "architecture": {"x86_64"}},
	})
	if err != nil || len(images) <= age {
		w.t.Fatalf("%d base images, %v", len(images), err)
	}
	slices.SortFunc(images, func(a, b cloud.Image) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return images[age].ID
}

// retag changes a tag on every instance that has it.
func (w *world) retag(key, value string) {
	w.t.Helper()
	region := w.region()
	found, err := region.Instances(w.t.Context(), cloud.InstanceQuery{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, instance := range found {
		if _, has := instance.Tags[key]; !has {
			continue
		}
		if err := region.CreateTags(w.t.Context(), []string{instance.ID}, cloud.Tags{key: value}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// removeImages removes all of the account's images behind Terraform's back.
func (w *world) removeImages() {
	w.t.Helper()
	region := w.region()
	images, err := region.Images(w.t.Context(), cloud.ImageQuery{Owners: []string{"self"}})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, image := range images {
		if err := region.DeregisterImage(w.t.Context(), image.ID); err != nil {
			w.t.Fatal(err)
		}
	}
}

// tagEach gives every instance a tag, to each another value.
func (w *world) tagEach(key string) {
	w.t.Helper()
	for i, instance := range w.running() {
		if err := w.region().CreateTags(w.t.Context(), []string{instance.ID}, cloud.Tags{key: fmt.Sprint(i)}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// untagOne takes a tag off one instance.
func (w *world) untagOne(key string) {
	w.t.Helper()
	if err := w.region().DeleteTags(w.t.Context(), []string{w.running()[0].ID}, []string{key}); err != nil {
		w.t.Fatal(err)
	}
}

// allHave says which of the instances, so many of them, lacks a tag.
func (w *world) allHave(count int, keys ...string) error {
	w.t.Helper()
	found := w.running()
	if len(found) != count {
		return fmt.Errorf("%d instances, want %d", len(found), count)
	}
	for _, instance := range found {
		for _, key := range keys {
			if _, there := instance.Tags[key]; !there {
				return fmt.Errorf("%s has no tag %s: %v", instance.ID, key, instance.Tags)
			}
		}
	}
	return nil
}

// running are the account's instances that live.
func (w *world) running() []cloud.Instance {
	w.t.Helper()
	found, err := w.region().Instances(w.t.Context(), cloud.InstanceQuery{})
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.DeleteFunc(found, func(i cloud.Instance) bool { return !i.Live() })
}
