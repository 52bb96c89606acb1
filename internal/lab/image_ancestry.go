package lab

import (
	"time"
)

// ancestorItem is one image of a line.
type ancestorItem struct {
	Created      time.Time `xml:"creationDate"`
	ImageID      string    `xml:"imageId"`
	OwnerAlias   string    `xml:"imageOwnerAlias,omitempty"`
	SourceImage  string    `xml:"sourceImageId,omitempty"`
	SourceRegion string    `xml:"sourceImageRegion,omitempty"`
}

type ancestryOutput struct {
	Ancestors []ancestorItem `xml:"imageAncestryEntrySet"`
}

// imageAncestry follows an image to the one that it all began with, or to the first
// one that is not there any more. It names all of them, whoever they belong to.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-ancestry.html
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetImageAncestry.html
func (r *region) imageAncestry(in *imageInput) (*ancestryOutput, *apiError) {
	if in.ImageId == "" {
		return nil, missing("ImageId")
	}
	found, err := r.image(in.ImageId)
	if err != nil {
		return nil, err
	}
	out := &ancestryOutput{}
	for found != nil {
		out.Ancestors = append(out.Ancestors, ancestorItem{
			Created: found.created, ImageID: found.id, OwnerAlias: found.alias,
			SourceImage: found.sourceImage, SourceRegion: found.sourceRegion,
		})
		from := r.lab.places[found.sourceRegion]
		if from == nil {
			break
		}
		found = from.images.get(found.sourceImage)
	}
	return out, nil
}

type imageMetadataInput struct {
	InstanceId []string
	Filter     []filterParam
	pageParams
}

// imageMetadataItem is an image as its instances know it, also after its end.
type imageMetadataItem struct {
	ID         string     `xml:"imageId"`
	Name       string     `xml:"name"`
	OwnerID    string     `xml:"imageOwnerId"`
	State      string     `xml:"imageState"`
	OwnerAlias string     `xml:"imageOwnerAlias,omitempty"`
	Created    time.Time  `xml:"creationDate"`
	Deprecated *time.Time `xml:"deprecationTime"`
	Public     bool       `xml:"isPublic"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceImageMetadata.html
type instanceImageItem struct {
	InstanceID string            `xml:"instanceId"`
	Type       string            `xml:"instanceType"`
	LaunchTime time.Time         `xml:"launchTime"`
	Zone       string            `xml:"availabilityZone"`
	ZoneID     string            `xml:"zoneId"`
	State      stateItem         `xml:"instanceState"`
	OwnerID    string            `xml:"instanceOwnerId"`
	Tags       []tagItem         `xml:"tagSet"`
	Image      imageMetadataItem `xml:"imageMetadata"`
}

type imageMetadataOutput struct {
	Instances []instanceImageItem `xml:"instanceImageMetadataSet"`
	NextToken string              `xml:"nextToken,omitempty"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceImageMetadata.html
var imageMetadataFilters = filterable[*instance]{
	"availability-zone":   instanceFilters["availability-zone"],
	"instance-id":         instanceFilters["instance-id"],
	"image-allowed":       one(func(*instance) string { return "true" }),
	"instance-state-name": instanceFilters["instance-state-name"],
	"instance-type":       instanceFilters["instance-type"],
	"launch-time":         instanceFilters["launch-time"],
	"owner-alias":         one(func(i *instance) string { return i.image.alias }),
	"owner-id":            one(func(i *instance) string { return i.image.owner }),
	"zone-id":             instanceFilters["availability-zone-id"],
}

// describeImageMetadata tells of the images that instances run, whether or not they
// are still there.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceImageMetadata.html
func (r *region) describeImageMetadata(in *imageMetadataInput) (*imageMetadataOutput, *apiError) {
	if len(in.InstanceId) > 0 && in.MaxResults != nil {
		return nil, combination("The parameter instancesSet cannot be used with the parameter maxResults")
	}
	if err := checkInstanceIDs(in.InstanceId); err != nil {
		return nil, err
	}
	found, next, err := list(&r.instances, listing[*instance]{
		ids: in.InstanceId, absent: noInstance, filters: in.Filter, fields: imageMetadataFilters,
		page: in.pageParams, limits: pageLimits{least: 5, most: 1000},
	})
	if err != nil {
		return nil, err
	}
	out := &imageMetadataOutput{NextToken: next}
	for _, i := range found {
		item := instanceImageItem{
			InstanceID: i.id, Type: i.kind.name, LaunchTime: i.launched, Zone: i.launch.subnet.zone.name,
			ZoneID: i.launch.subnet.zone.id, State: stateOf(i.state), OwnerID: r.account.id, Tags: i.tags.items(),
			Image: imageMetadataItem{
				ID: i.image.id, Name: i.image.name, OwnerID: i.image.owner, State: i.image.state, OwnerAlias: i.image.alias,
				Created: i.image.created, Public: i.image.public(),
			},
		}
		if !i.image.deprecated.IsZero() {
			item.Image.Deprecated = &i.image.deprecated
		}
		out.Instances = append(out.Instances, item)
	}
	return out, nil
}
