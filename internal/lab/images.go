package lab

import (
	"cmp"
	"slices"
	"strconv"
	"time"
)

// States of an image that the lab knows.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Image.html
const (
	imagePending   = "pending"
	imageAvailable = "available"
	imageFailed    = "failed"
	imageDisabled  = "disabled"
)

// imageActions make and describe images.
var imageActions = map[string]action{
	"CreateImage":    of((*region).createImage),
	"CopyImage":      of((*region).copyImage),
	"RegisterImage":  of((*region).registerImage),
	"DescribeImages": of((*region).describeImages),
}

// image is one AMI.
type image struct {
	object
	region *region
	// owner is an account; alias is how AWS calls some owners of public images.
	owner, alias             string
	name, description        string
	created                  time.Time
	state                    string
	reason                   *stateReason
	architecture, rootDevice string
	imdsSupport, tpmSupport  string
	// bootMode is empty for the architecture's usual one.
	bootMode string
	// withoutENA images cannot run on any type of the lab.
	withoutENA bool
	mappings   []mapping
	// launch are the launch permissions beside the owner's.
	launch []permissionParam
	// sourceInstance, sourceImage and sourceRegion are what it was made from.
	sourceInstance, sourceImage, sourceRegion string
	// disk is what guests of this image start from.
	disk disk
	// lastLaunched is the latest launch that is reported; zero before the first.
	lastLaunched time.Time
	// deprecated is when the image is, or will be; zero for never.
	deprecated time.Time
	protection protection
}

// public tells whether everyone may launch it.
func (i *image) public() bool {
	return slices.ContainsFunc(i.launch, func(p permissionParam) bool { return p.Group == "all" })
}

// boots is how instances of the image boot.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-boot.html
func (i *image) boots() string {
	return cmp.Or(i.bootMode, onOff(i.architecture == arm, "uefi", "uefi-preferred"))
}

func (i *image) location() string {
	if i.alias != "" {
		return i.alias + "/" + i.name
	}
	return i.owner + "/" + i.name
}

func (i *image) blockDevices(value func(mapping) string) []string {
	values := make([]string, len(i.mappings))
	for at, m := range i.mappings {
		values[at] = value(m)
	}
	return values
}

// image finds an image that the account may use.
func (r *region) image(id string) (*image, *apiError) {
	if !wellFormed(id, "ami") {
		return nil, malformedImage(id)
	}
	found := r.place.images.get(id)
	switch {
	case found == nil || found.hidden():
		return nil, noImage([]string{id})
	case !found.usableBy(r.account):
		return nil, unsharedImage(id)
	}
	return found, nil
}

// ownImage finds an image that the account owns.
func (r *region) ownImage(id string) (*image, *apiError) {
	if id == "" {
		return nil, missing("ImageId")
	}
	if found := r.place.images.get(id); found != nil && !found.hidden() && found.owner == r.account.id {
		return found, nil
	}
	if _, err := r.image(id); err != nil && err.code != unsharedImage(id).code {
		return nil, err
	}
	return nil, fail("AuthFailure", "Not authorized for image:%s", id)
}

func malformedImage(id string) *apiError {
	return fail("InvalidAMIID.Malformed", "Invalid id: \"%s\" (expecting \"ami-...\")", id)
}

func noImage(ids []string) *apiError {
	if len(ids) == 1 {
		return fail("InvalidAMIID.NotFound", "The image id '[%s]' does not exist", ids[0])
	}
	return fail("InvalidAMIID.NotFound", "The image ids '[%s]' do not exist", joinIDs(ids))
}

type describeImagesInput struct {
	ImageId, Owner, ExecutableBy       []string
	IncludeDeprecated, IncludeDisabled *bool
	Filter                             []filterParam
	pageParams
}

// imageItem is one image in an answer.
type imageItem struct {
	ID             string        `xml:"imageId"`
	Location       string        `xml:"imageLocation"`
	State          string        `xml:"imageState"`
	OwnerID        string        `xml:"imageOwnerId"`
	CreationDate   string        `xml:"creationDate"`
	Public         bool          `xml:"isPublic"`
	Architecture   string        `xml:"architecture"`
	Type           string        `xml:"imageType"`
	OwnerAlias     string        `xml:"imageOwnerAlias,omitempty"`
	Name           string        `xml:"name"`
	Description    string        `xml:"description,omitempty"`
	RootDeviceType string        `xml:"rootDeviceType"`
	RootDevice     string        `xml:"rootDeviceName"`
	Mappings       []mappingItem `xml:"blockDeviceMapping"`
	Virtualization string        `xml:"virtualizationType"`
	Tags           []tagItem     `xml:"tagSet,omitempty"`
	Hypervisor     string        `xml:"hypervisor"`
	ENA            bool          `xml:"enaSupport"`
	SRIOV          string        `xml:"sriovNetSupport"`
	BootMode       string        `xml:"bootMode"`
	IMDSSupport    string        `xml:"imdsSupport,omitempty"`
	System         string        `xml:"platform,omitempty"`
	Platform       string        `xml:"platformDetails"`
	Usage          string        `xml:"usageOperation"`
	StateReason    *stateReason  `xml:"stateReason"`
	SourceInstance string        `xml:"sourceInstanceId,omitempty"`
	SourceImage    string        `xml:"sourceImageId,omitempty"`
	SourceRegion   string        `xml:"sourceImageRegion,omitempty"`
	TPM            string        `xml:"tpmSupport,omitempty"`
	Deprecated     *time.Time    `xml:"deprecationTime"`
	Protection     string        `xml:"deregistrationProtection,omitempty"`
	LastLaunched   *time.Time    `xml:"lastLaunchedTime"`
}

type describeImagesOutput struct {
	Images    []imageItem `xml:"imagesSet"`
	NextToken string      `xml:"nextToken,omitempty"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html
var imageFilters = filterable[*image]{
	"image-id":            one(func(i *image) string { return i.id }),
	"name":                one(func(i *image) string { return i.name }),
	"description":         one(func(i *image) string { return i.description }),
	"state":               one(func(i *image) string { return i.state }),
	"owner-id":            one(func(i *image) string { return i.owner }),
	"owner-alias":         one(func(i *image) string { return i.alias }),
	"architecture":        one(func(i *image) string { return i.architecture }),
	"is-public":           one(func(i *image) string { return strconv.FormatBool(i.public()) }),
	"root-device-name":    one(func(i *image) string { return i.rootDevice }),
	"root-device-type":    one(func(*image) string { return "ebs" }),
	"virtualization-type": one(func(*image) string { return "hvm" }),
	"image-type":          one(func(*image) string { return "machine" }),
	"hypervisor":          one(func(*image) string { return "xen" }),
	"ena-support":         one(func(i *image) string { return strconv.FormatBool(!i.withoutENA) }),
	"manifest-location":   one((*image).location),
	"creation-date":       one(func(i *image) string { return i.created.Format(timeForm) }),
	"source-instance-id":  one(func(i *image) string { return i.sourceInstance }),
	"source-image-id":     one(func(i *image) string { return i.sourceImage }),
	"source-image-region": one(func(i *image) string { return i.sourceRegion }),
	"boot-mode":           one((*image).boots),
	"sriov-net-support":   one(func(*image) string { return "simple" }),
	"state-reason-code": func(i *image) []string {
		if i.reason == nil {
			return nil
		}
		return []string{i.reason.Code}
	},
	"product-code": func(*image) []string { return nil },
	"platform":     func(i *image) []string { return platformFilter(i.disk) },
	"block-device-mapping.device-name": func(i *image) []string {
		return i.blockDevices(func(m mapping) string { return m.device })
	},
	"block-device-mapping.snapshot-id": func(i *image) []string {
		return i.blockDevices(func(m mapping) string { return m.snapshotID })
	},
	"block-device-mapping.volume-size": func(i *image) []string {
		return i.blockDevices(func(m mapping) string { return strconv.Itoa(m.size) })
	},
	"block-device-mapping.volume-type": func(i *image) []string {
		return i.blockDevices(func(m mapping) string { return m.kind })
	},
	"block-device-mapping.encrypted": func(i *image) []string {
		return i.blockDevices(func(m mapping) string { return strconv.FormatBool(m.encrypted) })
	},
	"block-device-mapping.delete-on-termination": func(i *image) []string {
		return i.blockDevices(func(m mapping) string { return strconv.FormatBool(m.deleteOnTermination) })
	},
}

// describeImages leaves out, without a word, what is there but not for the caller to
// see, even if it is asked for by its id.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html
func (r *region) describeImages(in *describeImagesInput) (*describeImagesOutput, *apiError) {
	if len(in.ImageId) > 0 && in.MaxResults != nil {
		return nil, combination("The parameter imageIdsSet cannot be used with the parameter maxResults")
	}
	if err := checkIDs(in.ImageId, "ami", malformedImage); err != nil {
		return nil, err
	}
	ids := slices.DeleteFunc(slices.Clone(in.ImageId), r.lingers)
	if len(ids) == 0 && len(in.ImageId) > 0 {
		return &describeImagesOutput{}, nil
	}
	now := r.now()
	found, next, err := list(&r.place.images, listing[*image]{
		ids: ids, absent: noImage, filters: in.Filter, fields: imageFilters,
		owner: func(i *image) string { return i.owner }, by: r.account,
		also: func(i *image) bool {
			return i.usableBy(r.account) && ownedBy(in.Owner, i.owner, i.alias, r.account) && i.executableBy(in.ExecutableBy, r.account) && i.listed(in, r.account, now)
		},
		page: in.pageParams, limits: pageLimits{least: 1, most: 1000},
	})
	if err != nil {
		return nil, err
	}
	out := &describeImagesOutput{NextToken: next}
	for _, i := range found {
		out.Images = append(out.Images, i.item(r.account))
	}
	return out, nil
}

// listed tells whether the image is in an answer: those that are deprecated only for
// their owner, by id, or if asked for, and those that are disabled only if asked for.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deprecate.html#describe-deprecate-ami
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html
func (i *image) listed(in *describeImagesInput, by *account, now time.Time) bool {
	if i.state == imageDisabled && !isTrue(in.IncludeDisabled) {
		return false
	}
	return i.owner == by.id || !i.isDeprecated(now) || isTrue(in.IncludeDeprecated) || slices.Contains(in.ImageId, i.id)
}

// ownedBy matches the Owner parameter: account ids, aliases and "self".
func ownedBy(owners []string, id, alias string, self *account) bool {
	return len(owners) == 0 || slices.ContainsFunc(owners, func(owner string) bool {
		return owner == id || owner == "self" && id == self.id || alias != "" && owner == alias
	})
}

// executableBy matches the ExecutableBy parameter: "all" means the public images,
// "self" and one's own number what is shared with oneself, also by the organization,
// and another number what one has shared with that account itself.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html
func (i *image) executableBy(users []string, self *account) bool {
	return len(users) == 0 || slices.ContainsFunc(users, func(user string) bool {
		switch user {
		case "all":
			return i.public()
		case "self", self.id:
			return slices.ContainsFunc(i.launch, func(p permissionParam) bool { return p.Group == "" && p.covers(self) })
		}
		return i.owner == self.id && slices.Contains(i.launch, permissionParam{UserId: user})
	})
}

func (i *image) item(seenBy *account) imageItem {
	runs := i.disk.platform()
	item := imageItem{
		ID: i.id, Location: i.location(), State: i.state, OwnerID: i.owner, CreationDate: i.created.Format(timeForm),
		Public: i.public(), Architecture: i.architecture, Type: "machine", OwnerAlias: i.alias, Name: i.name,
		Description: i.description, RootDeviceType: "ebs", RootDevice: i.rootDevice, Virtualization: "hvm",
		Hypervisor: "xen", ENA: !i.withoutENA, SRIOV: "simple", IMDSSupport: i.imdsSupport, System: runs.value, Platform: runs.details,
		BootMode: i.boots(), Usage: runs.usage, StateReason: i.reason, TPM: i.tpmSupport,
		SourceInstance: i.sourceInstance, SourceImage: i.sourceImage, SourceRegion: i.sourceRegion,
	}
	if !i.deprecated.IsZero() {
		item.Deprecated = &i.deprecated
	}
	// Tags are the owner's own: nobody else sees them.
	// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html
	if i.owner == seenBy.id {
		item.Tags, item.Protection = i.seenTags().items(), i.protection.text(i.region.now())
		if !i.lastLaunched.IsZero() {
			item.LastLaunched = &i.lastLaunched
		}
	}
	for _, m := range i.mappings {
		item.Mappings = append(item.Mappings, m.item())
	}
	return item
}
