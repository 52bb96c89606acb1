package image

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// Version is one captured AMI of a line.
type Version struct {
	Number        int
	ImageID       string
	ImageName     string
	Description   string
	Fingerprint   string
	SourceImageID string
	Architecture  string
	// Platform is PlatformWindows, or "" for Linux.
	Platform   string
	RootDevice string
	// Checks is the digest of the checks it last passed, and where.
	Checks     string
	BakedAt    time.Time
	VerifiedAt time.Time
	// PromotedAt is zero for a candidate: captured, but not proved yet.
	PromotedAt time.Time
	// Highest is the highest number that the line had at the promotion.
	Highest     int
	State       string
	StateReason string
	SnapshotIDs []string
	// Kept are the devices whose volumes stay when an instance of the version ends.
	Kept []string
	// DeprecatesAt, Protection, IMDSSupport and Public are the image's own.
	DeprecatesAt time.Time
	Protection   cloud.Protection
	IMDSSupport  string
	Public       bool
	Tags         cloud.Tags
	// Copies are the version's images in other regions.
	Copies map[string]cloud.Image
}

// Disabled reports whether somebody has disabled the version's image: nobody can launch it
// until it is enabled again.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/disable-an-ami.html
func (v Version) Disabled() bool { return v.State == cloud.ImageDisabled }

// IsHome reports whether the version was made in the region that it was found in.
func (v Version) IsHome() bool { return v.Tags[cloud.TagRole] == cloud.RoleVersion }

// versionOf reads a version of the line from its image: the number from its name, which
// nobody can change, and the rest from its tags. A fingerprint that does not fit the name
// is none.
func versionOf(line string, image cloud.Image) Version {
	number, fingerprint := numberOf(line, image.Name)
	version := Version{
		Number:        number,
		ImageID:       image.ID,
		ImageName:     image.Name,
		Description:   image.Description,
		SourceImageID: image.Tags[cloud.TagSource],
		Architecture:  image.Architecture,
		Platform:      image.Platform,
		RootDevice:    image.RootDeviceName,
		Checks:        image.Tags[cloud.TagChecks],
		BakedAt:       image.CreatedAt,
		VerifiedAt:    parseTime(image.Tags[cloud.TagVerifiedAt]),
		PromotedAt:    promotedAt(image),
		Highest:       parseNumber(image.Tags[cloud.TagHighest]),
		State:         image.State,
		StateReason:   image.StateReason,
		SnapshotIDs:   image.SnapshotIDs(),
		DeprecatesAt:  image.DeprecatesAt,
		Protection:    image.Protection,
		IMDSSupport:   image.IMDSSupport,
		Public:        image.Public,
		Tags:          image.Tags,
	}
	for _, volume := range image.Volumes {
		if volume.Kept {
			version.Kept = append(version.Kept, volume.DeviceName)
		}
	}
	if tagged := image.Tags[cloud.TagFingerprint]; number > 0 && strings.HasPrefix(tagged, fingerprint) && fingerprintForm.MatchString(tagged) {
		version.Fingerprint = tagged
	}
	return version
}

var (
	fingerprintForm = regexp.MustCompile(`^[0-9a-f]{64}$`)
	numberForm      = regexp.MustCompile(`^[1-9][0-9]{0,8}$`)
	nameEnd         = regexp.MustCompile(`^-v([1-9][0-9]{0,8})-([0-9a-f]{8})$`)
)

// numberOf reads what AMIName has written: the number, and the beginning of the
// fingerprint. The number is zero when it is no version's name.
func numberOf(line, imageName string) (number int, fingerprint string) {
	rest, ok := strings.CutPrefix(imageName, line)
	parts := nameEnd.FindStringSubmatch(rest)
	if !ok || parts == nil {
		return 0, ""
	}
	return parseNumber(parts[1]), parts[2]
}

// parseNumber reads a number of a version; one that somebody has spoilt is zero.
func parseNumber(text string) int {
	if !numberForm.MatchString(text) {
		return 0
	}
	number, _ := strconv.Atoi(text) // at most nine digits
	return number
}

// promotedAt is when the image was promoted last, zero for one that never was. Where
// somebody has spoilt or removed the time, or put it far ahead, it is that of the bake: a
// version that was handed out must not be taken for what a bake has left.
func promotedAt(image cloud.Image) time.Time {
	text := image.Tags[cloud.TagPromotedAt]
	at := parseTime(text)
	if promoted := text != "" || image.Tags[cloud.TagHighest] != ""; promoted && (at.IsZero() || time.Until(at) > farAhead) {
		return image.CreatedAt
	}
	return at
}

// farAhead is more than any clock is wrong.
const farAhead = 365 * 24 * time.Hour

func parseTime(text string) time.Time {
	parsed, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}
	}
	return parsed
}

func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
