package cloud

import (
	"maps"
	"strings"
)

// Ownership tags: the journal of both engines. Everything that is created carries
// them from its very first call, so that an interrupted run can be read back.
const (
	// TagManagedBy is on everything, with the value ManagedBy.
	TagManagedBy = "stamp:managed-by"
	// TagImage names the golden image line.
	TagImage = "stamp:image"
	// TagFleet names the fleet.
	TagFleet = "stamp:fleet"
	// TagOwner is the id of the resource object that has made the thing: see package
	// ownership.
	TagOwner = "stamp:owner"
	// TagBuilder is, on a version and its snapshots, the builder that was captured.
	TagBuilder = "stamp:builder"
	// TagCopyOf is, on a copy and its snapshots, the image that was copied.
	TagCopyOf = "stamp:copy-of"
	// TagRole is one of the Role… values, on what belongs to an image line.
	TagRole = "stamp:role"
	// TagVersion is the version's number.
	TagVersion = "stamp:version"
	// TagFingerprint is the version's fingerprint: 64 hexadecimal digits.
	TagFingerprint = "stamp:fingerprint"
	// TagSource is the id of the AMI that the version was baked from.
	TagSource = "stamp:source"
	// TagChecks is the digest of the checks that the version last passed.
	TagChecks = "stamp:checks"
	// TagVerifiedAt is when the version last passed its checks (RFC 3339).
	TagVerifiedAt = "stamp:verified-at"
	// TagPromotedAt is when the version became the current one (RFC 3339, with
	// nanoseconds); the latest is current, none means unproven.
	TagPromotedAt = "stamp:promoted-at"
	// TagHighest is, on a promoted version, the highest number that its line has had,
	// so that a number is never given twice.
	TagHighest = "stamp:highest-version"
	// TagRegions lists the regions that copies of the version are in, or were begun in;
	// a list that is too long for one tag goes on in TagRegions-2 and so on.
	TagRegions = "stamp:regions"
	// TagHome is, on a copy, the region of the version that it is a copy of.
	TagHome = "stamp:home"
	// TagKey is, on a copy, the KMS key that was asked for.
	TagKey = "stamp:key"
	// TagShared is the digest of the permissions that were last put on the version and
	// its copies.
	TagShared = "stamp:shared"
	// TagParameter is the name of the SSM parameter that the line keeps.
	TagParameter = "stamp:parameter"
	// TagTransport is how work reaches a temporary instance, when not by user data.
	TagTransport = "stamp:transport"
	// TagIdentity holds digests of what the builder was and its clones must not be.
	TagIdentity = "stamp:identity"
	// TagKept is on a temporary instance that is left for inspection, with the reason.
	TagKept = "stamp:kept"
	// TagGeneration is the fleet's generation at launch.
	TagGeneration = "stamp:generation"
	// TagSlots lists a batch's slots by launch index, in ranges: "0-2,7".
	TagSlots = "stamp:slots"
	// TagConfig is the digest of what all of a fleet's instances share.
	TagConfig = "stamp:config"
	// TagEnvironment holds digests of the slots' own environments.
	TagEnvironment = "stamp:env"
	// TagHostname is the pattern of the fleet's host names at launch.
	TagHostname = "stamp:hostname"
	// TagRootImage is the image of a root volume that has been replaced since the
	// launch.
	TagRootImage = "stamp:root-image"
	// TagLaunchImage is, where the root volume has been replaced, the image of the launch.
	TagLaunchImage = "stamp:launch-image"
	// TagProtection says how the provider itself protects a thing: "termination", "stop" or
	// both on an instance, "deregistration" on an image. Any other protection is somebody
	// else's.
	TagProtection = "stamp:protection"
)

// ManagedBy is the value of TagManagedBy.
const ManagedBy = "terraform-provider-stamp"

// Roles of what belongs to an image line.
const (
	RoleVersion = "version"
	RoleCopy    = "copy"
	RoleBuilder = "builder"
	RoleProof   = "proof"
	// RoleLease is the role of a launch template that says that an apply is at work.
	RoleLease = "lease"
)

// Owned reports whether the tag's key is one of ours.
func Owned(key string) bool { return strings.HasPrefix(key, "stamp:") }

// UserTags returns the tags without ownership tags and without AWS's own.
func (t Tags) UserTags() Tags {
	user := Tags{}
	for key, value := range t {
		if !Owned(key) && !strings.HasPrefix(key, "aws:") {
			user[key] = value
		}
	}
	return user
}

// With returns a copy with the other tags added; theirs win.
func (t Tags) With(other Tags) Tags {
	all := maps.Clone(t)
	if all == nil {
		all = Tags{}
	}
	maps.Copy(all, other)
	return all
}
