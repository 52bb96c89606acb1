package lab

import "strings"

// byParameter begins an image id that is the name of a Systems Manager parameter.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/create-launch-template.html#use-an-ssm-parameter-instead-of-an-ami-id
const byParameter = "resolve:ssm:"

// resolveImage gives an image id as it is, or the one that a parameter holds now: a
// name, which a version's number or a label may follow. A parameter of one's own must
// be of the data type that holds images.
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/using-systems-manager-parameters.html
func (r *region) resolveImage(asked string) (string, *apiError) {
	name, resolved := strings.CutPrefix(asked, byParameter)
	if !resolved {
		return asked, nil
	}
	_, version, _, err := r.findParameter(name)
	if err != nil {
		return "", badImageParameter(err.message)
	}
	if version.dataType != dataImage && !reserved(r.parameterName(name)) {
		return "", badImageParameter("Unsupported data type. The following parameter data types are supported: " + dataImage)
	}
	return version.value, nil
}

func badImageParameter(message string) *apiError {
	return fail("SsmInvalidParameter", "%s", message)
}

// shown is the data as DescribeLaunchTemplateVersions has it: with ResolveAlias the
// image's id is in the place of its parameter.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeLaunchTemplateVersions.html
func (d *templateData) shown(r *region, resolve *bool) (*templateData, *apiError) {
	if !isTrue(resolve) {
		return d, nil
	}
	image, err := r.resolveImage(d.ImageId)
	if err != nil {
		return nil, err
	}
	shown := *d
	shown.ImageId = image
	return &shown, nil
}
