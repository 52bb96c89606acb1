package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/image"
)

// Values of on_failure.
const (
	failureCleanUp = "clean_up"
	failureKeep    = "keep"
)

func transportAttribute() schema.Attribute {
	return schema.StringAttribute{
		Optional: true, Validators: []validator.String{stringvalidator.OneOf(image.TransportUserData, image.TransportSSM)},
		MarkdownDescription: "How the steps reach builder and proof; neither way needs an inbound rule or a key. `user_data`, the default, needs nothing in the account at all: " +
			"everything is one script, and the bake goes on even if Terraform dies. `ssm` sends each step by Systems Manager's Run Command, and tells its output as it ends; " +
			"it needs the SSM agent in the source image, an `iam_instance_profile` with the policy `AmazonSSMManagedInstanceCore` " +
			"(or Default Host Management Configuration), and a way from the subnet to Systems Manager. Sources of Windows need `ssm`. Used by the next bake.",
	}
}

func bakeUserDataAttribute() schema.Attribute {
	return schema.StringAttribute{
		Optional: true, Validators: []validator.String{stringvalidator.LengthBetween(1, maxUserData)},
		MarkdownDescription: "The builder's user data, as it is: a script or cloud-config that runs before the first step, to install the SSM agent where the source image has none, for example. " +
			"With the transport `ssm` only; with `user_data` a first step does the same. At most 16 KiB. A change bakes a new version. " +
			"Not for secrets: user data can be read by whoever has `ec2:DescribeInstanceAttribute`.",
	}
}

// maxUserData is in bytes, before it is encoded.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html
const maxUserData = 16 << 10

func bakeMetadataAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "The instance metadata service of builder and proof; session tokens (IMDSv2) are always required there. Used by the next bake.",
		Attributes: map[string]schema.Attribute{
			"http_put_response_hop_limit": schema.Int64Attribute{
				Optional: true, Validators: []validator.Int64{int64validator.Between(1, 64)},
				MarkdownDescription: "How many hops a token's answer may travel, 1 to 64; steps in containers need 2.",
			},
			"instance_metadata_tags": schema.StringAttribute{
				Optional: true, Validators: []validator.String{stringvalidator.OneOf("enabled", "disabled")},
				MarkdownDescription: "Whether builder and proof can read their tags there. Tag keys may then have no spaces and no `/`.",
			},
		},
	}
}

func stagingBucketAttribute() schema.Attribute {
	return schema.StringAttribute{
		Optional: true, Validators: []validator.String{nonEmpty()},
		MarkdownDescription: "An S3 bucket of the line's region for what is too large to be sent: scripts and uploads that do not fit into user data even compressed (16 KiB), " +
			"or into one Run Command (32 KiB). The builder fetches them by a URL that is good for an hour, so it needs no permission, " +
			"but (on Linux) curl, python3 or wget, tar or python3 for directories, and a way to S3; they are removed afterwards. " +
			"Whoever runs Terraform needs `s3:PutObject`, `s3:GetObject`, `s3:DeleteObject` and `s3:ListBucket`. Used by the next bake.",
	}
}

func keyNameAttribute() schema.Attribute {
	return schema.StringAttribute{
		Optional: true, Validators: []validator.String{nonEmpty()},
		MarkdownDescription: "An EC2 key pair for the builder, for those who want to look into it. Nothing here needs one, and the clean-up takes its public key out again. Used by the next bake.",
	}
}

func secretsAttribute() schema.Attribute {
	return schema.MapAttribute{
		Optional: true, WriteOnly: true, Sensitive: true, ElementType: types.StringType,
		Validators: []validator.Map{
			mapvalidator.KeysAre(environmentName(), notStampVariable(), namedWell("a name for a secret", guest.CheckSecretName)),
			mapvalidator.AlsoRequires(path.MatchRelative().AtParent().AtName("secrets_wo_version")),
		},
		MarkdownDescription: "Secrets for the steps, as environment variables; with the transport `ssm` only. They are sealed for a key that lives in the builder's memory, so neither state nor plan, " +
			"logs, user data, tags, the command history, the console or the image ever hold them, unless a step writes them down. " +
			"What scripts print is searched for them, as they are: encoded (base64, hexadecimal, in a URL) or in pieces they are not found. " +
			"A source image of Linux needs `openssl`. Needs `secrets_wo_version`, and Terraform or OpenTofu 1.11.",
	}
}

func secretsVersionAttribute() schema.Attribute {
	return schema.Int64Attribute{
		Optional: true, Validators: []validator.Int64{int64validator.AtLeast(0)},
		MarkdownDescription: "Change it when `secrets_wo` has changed and a new version is to be baked with it: Terraform does not see the secrets themselves.",
	}
}

func onFailureAttribute() schema.Attribute {
	return schema.StringAttribute{
		Optional: true, Validators: []validator.String{stringvalidator.OneOf(failureCleanUp, failureKeep)},
		MarkdownDescription: "What becomes of a builder or proof that has failed: `clean_up`, the default, terminates it; `keep` leaves it running to be looked at, " +
			"with the tag `stamp:kept`, and the error says how to open a session. The next apply removes it.",
	}
}

func cleanUpAttribute() schema.Attribute {
	on := func(what string) schema.Attribute {
		return schema.BoolAttribute{Optional: true, MarkdownDescription: what + " Default `true`."}
	}
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "What is removed before the capture, because clones must not share it. A fresh instance that has the builder's machine-id or host keys all the same is not proved. " +
			"What a switch means on Windows is in the table above. A change bakes a new version.",
		Attributes: map[string]schema.Attribute{
			"host_keys":        on("The SSH server's host keys; the next boot makes new ones."),
			"machine_id":       on("`/etc/machine-id`; the next boot makes a new one. On Windows: Sysprep."),
			"cloud_init":       on("cloud-init's state, so that it runs anew."),
			"dhcp_leases":      on("The addresses that were leased."),
			"random_seed":      on("What the next boot's randomness begins with."),
			"authorized_keys":  on("The public keys that EC2 has handed to the builder, because of `key_name`; others stay."),
			"ssm_registration": on("What the SSM agent takes the machine for, and what it keeps of its commands."),
			"logs":             on("The contents of `/var/log`."),
			"histories":        on("The shell histories of all users."),
		},
	}
}
