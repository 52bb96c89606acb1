package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// goldenImageComputed are the outputs. All of them point to the current version,
// and none to a version that is not proved.
func goldenImageComputed() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"image_id":         computedString("The AMI of the current version."),
		"image_ids":        schema.MapAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "The AMI of the current version, by region."},
		"image_name":       computedString("Its name."),
		"version":          schema.Int64Attribute{Computed: true, MarkdownDescription: "Its number: 1, 2, 3 …"},
		"fingerprint":      computedString("SHA-256 over everything that decides what is inside: the resolved source AMI, the steps with their files, clean-up, volumes and encryption."),
		"source_image_id":  computedString("The AMI that it was baked from."),
		"baked_at":         computedString("When it was captured (RFC 3339)."),
		"verified_at":      computedString("When it last passed its checks (RFC 3339); null where there are none to pass."),
		"architecture":     computedString("Its architecture."),
		"root_device_name": computedString("The device name of its root volume."),
		"bake_reason": computedString("Why the planned version is needed, or why the current one was made or promoted: `step install changed`, `source ami-1 → ami-2`. " +
			"When nothing changes but an earlier apply has left something, it names what is cleared. `imported` after an import."),
		"versions": schema.ListNestedAttribute{
			Computed: true, MarkdownDescription: "The kept versions, the highest number first. " +
				"One that an apply keeps beyond `retain_versions`, since something uses it, is in the list after the next refresh.",
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
				"version":         schema.Int64Attribute{Computed: true, MarkdownDescription: "The version's number."},
				"image_id":        computedString("Its AMI."),
				"fingerprint":     computedString("Its fingerprint."),
				"baked_at":        computedString("When it was captured (RFC 3339)."),
				"source_image_id": computedString("The AMI that it was baked from."),
			}},
		},
	}
}

func computedString(description string) schema.StringAttribute {
	return schema.StringAttribute{Computed: true, MarkdownDescription: description}
}
