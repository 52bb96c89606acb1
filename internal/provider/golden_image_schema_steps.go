package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/boolvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

func stepsAttribute() schema.Attribute {
	return schema.ListNestedAttribute{
		Optional: true, MarkdownDescription: "What is done on the builder, in order. Each step is exactly one of `script`, `upload`, `local` and `reboot`. " +
			"Steps start when cloud-init's own work and the package manager's locks are done: no sleep is needed. A failing step stops the bake, " +
			"and the error says how it failed and what it printed last. A change of what a step does bakes a new version; a change of its name, `timeout`, `retries` or `exit_codes` does not.",
		Validators: []validator.List{noNulls{}, uniqueNames("step")},
		NestedObject: schema.NestedAttributeObject{
			Validators: []validator.Object{exactlyOneOf("A step", "script", "upload", "local", "reboot"), stepParts{}},
			Attributes: map[string]schema.Attribute{
				"name": stepName("step"),
				"script": schema.StringAttribute{
					Optional: true, MarkdownDescription: "A script, run by its `#!` line, by `/bin/sh` without one. On Windows: the text of a `.ps1` file. " +
						"One whose first line ends in CRLF runs with LF elsewhere. A script that restarts the builder (`reboot`, `shutdown -r`) and then ends at once " +
						"has passed when the builder is back; one that switches it off fails.",
					Validators: []validator.String{nonEmpty()},
				},
				"upload": uploadAttribute(),
				"local": schema.StringAttribute{
					Optional: true, Validators: []validator.String{nonEmpty()},
					MarkdownDescription: "A command for the shell of the machine that runs Terraform, as for Ansible from outside; with the transport `ssm` only. " +
						"Its environment has `STAMP_INSTANCE_ID`, `STAMP_PRIVATE_IP`, `STAMP_PUBLIC_IP` and `STAMP_REGION`. After an interrupted apply it may run a second time.",
				},
				"reboot": schema.BoolAttribute{
					Optional: true, Validators: []validator.Bool{boolvalidator.Equals(true)},
					MarkdownDescription: "`true` restarts the builder; the next step begins when it is back. " +
						"With the transport `user_data` that is by a script in `/var/lib/cloud/scripts/per-boot`, so `/var` may be mounted with `noexec` only later. " +
						"A builder that restarts in the middle of a step fails.",
				},
				"environment": environmentAttribute("the script's or the command's environment. Not for secrets: user data can be read by whoever may describe the instance"),
				"user": schema.StringAttribute{
					Optional: true, Validators: []validator.String{userName()},
					MarkdownDescription: "Who runs the script, with the environment of its login, in its home: `ec2-user` or `ubuntu`, for example. Default: root, in `/`. On Windows all scripts run as SYSTEM.",
				},
				"timeout": timeoutAttribute("one run of the script"),
				"retries": schema.Int64Attribute{
					Optional: true, Validators: []validator.Int64{int64validator.Between(0, 100)},
					MarkdownDescription: "How often the script is run again when it fails, after five seconds each. Default `0`.",
				},
				"exit_codes": schema.ListAttribute{
					Optional: true, ElementType: types.Int64Type,
					Validators:          []validator.List{noNulls{}, listvalidator.UniqueValues(), listvalidator.ValueInt64sAre(int64validator.Between(0, 65535))},
					MarkdownDescription: "The exit codes of success. Default `[0]`; installers for Windows say `3010` where a restart is due.",
				},
			},
		},
	}
}

func uploadAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true, Validators: []validator.Object{exactlyOneOf("An upload", "source", "content")},
		MarkdownDescription: "A file or directory to put on the builder. The fingerprint covers the path, the bytes and the mode of each file, and empty directories; not times and owners.",
		Attributes: map[string]schema.Attribute{
			"source": schema.StringAttribute{
				Optional: true, MarkdownDescription: "A local file or directory. It is read when a plan is made, and must exist then where something is to be baked; " +
					"what is baked is what it holds in the apply. Of a directory everything in it is uploaded, hidden files and empty directories as well. " +
					"Links are followed that stay in the directory; one that leads out of it is refused. At most 512 MiB, and no pipes or devices.",
				Validators: []validator.String{nonEmpty()},
			},
			"exclude": schema.ListAttribute{
				Optional: true, ElementType: types.StringType, Validators: []validator.List{
					listvalidator.ValueStringsAre(nonEmpty(), globPattern()), listvalidator.AlsoRequires(path.MatchRelative().AtParent().AtName("source")),
				},
				MarkdownDescription: "What of a `source` directory is left out, of the fingerprint too: patterns with `*`, `?` and `[a-z]`. One without a slash, like `.DS_Store` or `*.pyc`, " +
					"is for a name at any depth; one with a slash, like `docs/*.md` or `build/**/cache`, for a path from the source on, where `**` stands for any number of directories. " +
					"With a directory everything in it is left out.",
			},
			"content": schema.StringAttribute{Optional: true, MarkdownDescription: "The file's content itself."},
			"destination": schema.StringAttribute{
				Required: true, Validators: []validator.String{absolutePath()},
				MarkdownDescription: "An absolute path on the builder: the file, or the directory that receives the files of a `source` directory. On Windows with its drive, like `C:/app/app.zip`.",
			},
			"mode": schema.StringAttribute{
				Optional: true, Validators: []validator.String{octalMode()},
				MarkdownDescription: "In octal, like `0600`; in a directory, of every file. Default: `0755` for an executable file, `0644` otherwise. Not for Windows.",
			},
			"owner": schema.StringAttribute{
				Optional: true, Validators: []validator.String{nonEmpty()},
				MarkdownDescription: "`user` or `user:group`, of the files and of the directories that the upload makes below its destination, " +
					"and of the destination itself where it is a directory that was not there. Default `root`. Not for Windows.",
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
				Validators: []validator.List{noNulls{}, uniqueNames("check")},
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"name": stepName("check"),
					"script": schema.StringAttribute{
						Required: true, Validators: []validator.String{nonEmpty()},
						MarkdownDescription: "A script, run by its `#!` line, by `/bin/sh` without one; on Windows PowerShell's, as SYSTEM.",
					},
					"environment": environmentAttribute("the script's environment"),
					"user": schema.StringAttribute{
						Optional: true, Validators: []validator.String{userName()},
						MarkdownDescription: "Who runs the script, as for a step. Default: root. Not for Windows.",
					},
					"attempts": schema.Int64Attribute{Optional: true, Validators: []validator.Int64{int64validator.Between(1, 1000)}, MarkdownDescription: "How often it is tried at most. Default `1`."},
					"interval": schema.StringAttribute{Optional: true, Validators: []validator.String{duration()}, MarkdownDescription: "The pause between attempts, like `5s`. Default `5s`."},
					"timeout":  timeoutAttribute("one attempt"),
				}},
			},
			"fresh_instance": schema.BoolAttribute{
				Optional:            true,
				MarkdownDescription: "Run the checks again on a fresh instance, stamped from the captured image. Default `true`.",
			},
			"instance_types": schema.ListAttribute{
				Optional: true, ElementType: types.StringType,
				Validators: []validator.List{noNulls{}, listvalidator.UniqueValues(), listvalidator.ValueStringsAre(nonEmpty())},
				MarkdownDescription: "The types of fresh instance that the checks must pass on: one instance of each, at the same time. " +
					"Default: one instance, of the first of `bake.instance_types` that there is room for. Used by the next proof.",
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
		Validators:          []validator.Map{mapvalidator.KeysAre(environmentName(), namedWell("a variable for a script", guest.CheckVariableName))},
		MarkdownDescription: "Added to " + what + ".",
	}
}

func timeoutAttribute(what string) schema.Attribute {
	return schema.StringAttribute{
		Optional: true, Validators: []validator.String{duration()},
		MarkdownDescription: "Ends " + what + ", like `10m`. Default `15m`.",
	}
}
