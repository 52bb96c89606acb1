package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func stepsAttribute() schema.Attribute {
	return schema.ListNestedAttribute{
		Optional: true, MarkdownDescription: "What is done on the builder, in order. Each step is exactly one of `script` and `upload`. " +
			"Steps start when cloud-init's own work and the package manager's locks are done: no sleep is needed. A failing step stops the bake.",
		Validators: []validator.List{uniqueNames("step")},
		NestedObject: schema.NestedAttributeObject{Validators: []validator.Object{exactlyOneOf("A step", "script", "upload")}, Attributes: map[string]schema.Attribute{
			"name": stepName("step"),
			"script": schema.StringAttribute{
				Optional: true, MarkdownDescription: "A script, run by its `#!` line, by `/bin/sh` without one, as root.",
				Validators: []validator.String{nonEmpty()},
			},
			"upload":      uploadAttribute(),
			"environment": environmentAttribute("the script's environment. Not for secrets: user data can be read by whoever may describe the instance"),
			"timeout":     timeoutAttribute("the script"),
		}},
	}
}

func uploadAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true, Validators: []validator.Object{exactlyOneOf("An upload", "source", "content")},
		MarkdownDescription: "A file or directory to put on the builder. Its bytes are part of the fingerprint.",
		Attributes: map[string]schema.Attribute{
			"source": schema.StringAttribute{
				Optional: true, MarkdownDescription: "A local file or directory. It must exist when the plan is made.",
				Validators: []validator.String{nonEmpty()},
			},
			"content": schema.StringAttribute{Optional: true, MarkdownDescription: "The file's content itself."},
			"destination": schema.StringAttribute{
				Required: true, Validators: []validator.String{absolutePath()},
				MarkdownDescription: "An absolute path on the builder: the file, or the directory that receives the files of a `source` directory.",
			},
			"mode": schema.StringAttribute{
				Optional: true, Validators: []validator.String{octalMode()},
				MarkdownDescription: "In octal, like `0600`; in a directory, of every file. Default: `0755` for an executable file, `0644` otherwise.",
			},
			"owner": schema.StringAttribute{
				Optional: true, Validators: []validator.String{nonEmpty()},
				MarkdownDescription: "`user` or `user:group`. Default `root`.",
			},
		},
	}
}

func verifyAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true, MarkdownDescription: "What proves that a version works. Changed checks are run again on a fresh instance of the current version; nothing is baked.",
		Attributes: map[string]schema.Attribute{
			"checks": schema.ListNestedAttribute{
				Optional: true, MarkdownDescription: "Scripts that must end with exit code 0, first on the builder, then on a fresh instance of the captured image.",
				Validators: []validator.List{uniqueNames("check")},
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"name":        stepName("check"),
					"script":      schema.StringAttribute{Required: true, Validators: []validator.String{nonEmpty()}, MarkdownDescription: "A script, run by its `#!` line, by `/bin/sh` without one, as root."},
					"environment": environmentAttribute("the script's environment"),
					"attempts":    schema.Int64Attribute{Optional: true, Validators: []validator.Int64{int64validator.Between(1, 1000)}, MarkdownDescription: "How often it is tried at most. Default `1`."},
					"interval":    schema.StringAttribute{Optional: true, Validators: []validator.String{duration()}, MarkdownDescription: "The pause between attempts, like `5s`. Default `5s`."},
					"timeout":     timeoutAttribute("one attempt"),
				}},
			},
			"fresh_instance": schema.BoolAttribute{
				Optional:            true,
				MarkdownDescription: "Run the checks again on a fresh instance, stamped from the captured image. Default `true`.",
			},
		},
	}
}

func stepName(what string) schema.Attribute {
	return schema.StringAttribute{
		Required: true, Validators: []validator.String{stepNameRule()},
		MarkdownDescription: "Names the " + what + " in messages and in `bake_reason`. Unique; letters, digits, spaces and `. _ -`, at most 64.",
	}
}

func environmentAttribute(what string) schema.Attribute {
	return schema.MapAttribute{
		Optional: true, ElementType: types.StringType,
		Validators:          []validator.Map{mapvalidator.KeysAre(environmentName())},
		MarkdownDescription: "Added to " + what + ".",
	}
}

func timeoutAttribute(what string) schema.Attribute {
	return schema.StringAttribute{
		Optional: true, Validators: []validator.String{duration()},
		MarkdownDescription: "Ends " + what + ", like `10m`. Default `15m`.",
	}
}
