package lab

import "time"

// protectionCooldown is how long an image whose protection was enabled with a
// cool-down stays protected after the protection is disabled.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deregistration-protection.html
const protectionCooldown = 24 * time.Hour

// protection is an image's protection from being deregistered.
type protection struct {
	on, cooldown bool
	// until is the end of a cool-down that runs, or has run.
	until time.Time
}

// text is how DescribeImages puts it.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deregistration-protection.html
func (p protection) text(now time.Time) string {
	switch {
	case p.on:
		return onOff(p.cooldown, "enabled-with-cooldown", "enabled-without-cooldown")
	case now.Before(p.until):
		return "disabled after " + p.until.Format(timeForm)
	}
	return "disabled"
}

func (p protection) holds(now time.Time) bool { return p.on || now.Before(p.until) }

type enableProtectionInput struct {
	ImageId      string
	WithCooldown *bool
}

// protectionOutput has, unlike any other answer, a text in place of a flag.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EnableImageDeregistrationProtection.html
type protectionOutput struct {
	Return string `xml:"return"`
}

func (r *region) enableProtection(in *enableProtectionInput) (*protectionOutput, *apiError) {
	found, err := r.ownImage(in.ImageId)
	if err != nil {
		return nil, err
	}
	found.protection = protection{on: true, cooldown: isTrue(in.WithCooldown)}
	return &protectionOutput{Return: "true"}, nil
}

type imageInput struct{ ImageId string }

// disableProtection ends it at once, or after the cool-down that it was enabled with.
// Doing so again does not begin the cool-down anew.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DisableImageDeregistrationProtection.html
func (r *region) disableProtection(in *imageInput) (*protectionOutput, *apiError) {
	found, err := r.ownImage(in.ImageId)
	if err != nil {
		return nil, err
	}
	if found.protection.on && found.protection.cooldown {
		found.protection.until = r.now().Add(protectionCooldown)
	}
	found.protection.on = false
	return &protectionOutput{Return: "true"}, nil
}

type deregisterInput struct {
	ImageId                   string
	DeleteAssociatedSnapshots *bool
}

type deletedSnapshotItem struct {
	SnapshotID string `xml:"snapshotId"`
	Code       string `xml:"returnCode"`
}

type deregisterOutput struct {
	Return  bool                  `xml:"return"`
	Deleted []deletedSnapshotItem `xml:"deleteSnapshotResultSet,omitempty"`
}

// deregisterImage takes an image away, with its snapshots if so asked; those that
// other images use stay. A pending copy is stopped by it. AWS's documents have no
// error code for protected images; OperationNotPermitted is the one that they have
// for what is protected from termination.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeregisterImage.html
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
func (r *region) deregisterImage(in *deregisterInput) (*deregisterOutput, *apiError) {
	found, err := r.ownImage(in.ImageId)
	if err != nil {
		return nil, err
	}
	if now := r.now(); found.protection.holds(now) {
		return nil, fail("OperationNotPermitted", "The image %s cannot be deregistered: its deregistration protection is %s.",
			found.id, found.protection.text(now))
	}
	r.place.images.remove(found.id)
	out := &deregisterOutput{Return: true}
	if !isTrue(in.DeleteAssociatedSnapshots) {
		return out, nil
	}
	for _, m := range found.mappings {
		kept := r.place.snapshots.get(m.snapshotID)
		if kept == nil || kept.owner != r.account.id {
			continue
		}
		code := "success"
		if r.usedBy(kept.id) != nil {
			code = "skipped"
		} else {
			r.place.snapshots.remove(kept.id)
		}
		out.Deleted = append(out.Deleted, deletedSnapshotItem{SnapshotID: kept.id, Code: code})
	}
	return out, nil
}
