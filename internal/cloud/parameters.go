package cloud

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// imageDataType makes SSM check that a parameter's value is the id of an image.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-ec2-aliases.html
const imageDataType = "aws:ec2:image"

// CreateImageParameter makes a parameter that holds the id of an image. SSM looks at
// the image after it has answered: only what Parameter reads is there. One that exists
// is an error with CodeParameterExists.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
func (r *Region) CreateImageParameter(ctx context.Context, name, imageID, description string, tags Tags) error {
	in := imageParameter(name, imageID)
	in.Description, in.Tags = given(description), ssmTags(tags)
	_, err := call(ctx, r.name, "PutParameter", r.ssm.putParameter, in)
	return err
}

// SetImageParameter gives a parameter that is there another image's id.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
func (r *Region) SetImageParameter(ctx context.Context, name, imageID string) error {
	in := imageParameter(name, imageID)
	in.Overwrite = aws.Bool(true)
	_, err := call(ctx, r.name, "PutParameter", r.ssm.putParameter, in)
	return err
}

func imageParameter(name, imageID string) *ssm.PutParameterInput {
	return &ssm.PutParameterInput{Name: &name, Value: &imageID, Type: types.ParameterTypeString, DataType: aws.String(imageDataType)}
}

// DeleteParameter deletes a parameter; one that is gone is no error.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteParameter.html
func (r *Region) DeleteParameter(ctx context.Context, name string) error {
	_, err := call(ctx, r.name, "DeleteParameter", r.ssm.deleteParameter, &ssm.DeleteParameterInput{Name: &name})
	if HasCode(err, CodeParameterNotFound) {
		return nil
	}
	return err
}

// ParameterTags returns a parameter's tags. One that is not there has CodeNoResource.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ListTagsForResource.html
func (r *Region) ParameterTags(ctx context.Context, name string) (Tags, error) {
	out, err := call(ctx, r.name, "ListTagsForResource", r.ssm.listTags, &ssm.ListTagsForResourceInput{
		ResourceType: types.ResourceTypeForTaggingParameter, ResourceId: &name,
	})
	if err != nil {
		return nil, err
	}
	tags := Tags{}
	for _, tag := range out.TagList {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return tags, nil
}

// TagParameter adds tags to a parameter.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_AddTagsToResource.html
func (r *Region) TagParameter(ctx context.Context, name string, tags Tags) error {
	_, err := call(ctx, r.name, "AddTagsToResource", r.ssm.addTags, &ssm.AddTagsToResourceInput{
		ResourceType: types.ResourceTypeForTaggingParameter, ResourceId: &name, Tags: ssmTags(tags),
	})
	return err
}

func ssmTags(tags Tags) []types.Tag {
	var all []types.Tag
	for key, value := range tags {
		all = append(all, types.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
	slices.SortFunc(all, func(a, b types.Tag) int { return strings.Compare(*a.Key, *b.Key) })
	return all
}
