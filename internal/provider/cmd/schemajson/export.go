package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/provider"
)

// object is a JSON object.
type object = map[string]any

// export asks the provider server for its schemas.
func export(ctx context.Context) (object, error) {
	server := provider.NewServer("docs")()
	schemas, err := server.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		return nil, err
	}
	if err := firstError(schemas.Diagnostics); err != nil {
		return nil, err
	}
	identities, err := server.GetResourceIdentitySchemas(ctx, &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		return nil, err
	}
	described := object{
		"provider":                  schemaOf(schemas.Provider),
		"resource_schemas":          schemasOf(schemas.ResourceSchemas),
		"data_source_schemas":       schemasOf(schemas.DataSourceSchemas),
		"resource_identity_schemas": identitiesOf(identities.IdentitySchemas),
	}
	return object{
		"format_version":   "1.0",
		"provider_schemas": object{"registry.terraform.io/hashicorp/stamp": described},
	}, nil
}

func firstError(diagnostics []*tfprotov6.Diagnostic) error {
	for _, diagnostic := range diagnostics {
		if diagnostic.Severity == tfprotov6.DiagnosticSeverityError {
			return fmt.Errorf("%s: %s", diagnostic.Summary, diagnostic.Detail)
		}
	}
	return nil
}

func schemasOf(schemas map[string]*tfprotov6.Schema) object {
	all := object{}
	for name, schema := range schemas {
		all[name] = schemaOf(schema)
	}
	return all
}

func schemaOf(schema *tfprotov6.Schema) object {
	return object{"version": schema.Version, "block": blockOf(schema.Block)}
}

func blockOf(block *tfprotov6.SchemaBlock) object {
	described := object{"attributes": attributesOf(block.Attributes)}
	describe(described, block.Description, block.DescriptionKind)
	if len(block.BlockTypes) > 0 {
		nested := object{}
		for _, child := range block.BlockTypes {
			entry := object{"nesting_mode": nestingOfBlock[child.Nesting], "block": blockOf(child.Block)}
			if child.MaxItems > 0 {
				entry["max_items"] = child.MaxItems
			}
			nested[child.TypeName] = entry
		}
		described["block_types"] = nested
	}
	return described
}

var nestingOfBlock = map[tfprotov6.SchemaNestedBlockNestingMode]string{
	tfprotov6.SchemaNestedBlockNestingModeSingle: "single",
	tfprotov6.SchemaNestedBlockNestingModeList:   "list",
	tfprotov6.SchemaNestedBlockNestingModeSet:    "set",
	tfprotov6.SchemaNestedBlockNestingModeMap:    "map",
}

var nestingOfObject = map[tfprotov6.SchemaObjectNestingMode]string{
	tfprotov6.SchemaObjectNestingModeSingle: "single",
	tfprotov6.SchemaObjectNestingModeList:   "list",
	tfprotov6.SchemaObjectNestingModeSet:    "set",
	tfprotov6.SchemaObjectNestingModeMap:    "map",
}

func attributesOf(attributes []*tfprotov6.SchemaAttribute) object {
	all := object{}
	for _, attribute := range attributes {
		described := object{}
		if attribute.NestedType != nil {
			described["nested_type"] = object{
				"attributes":   attributesOf(attribute.NestedType.Attributes),
				"nesting_mode": nestingOfObject[attribute.NestedType.Nesting],
			}
		} else {
			described["type"] = typeOf(attribute.Type)
		}
		describe(described, attribute.Description, attribute.DescriptionKind)
		for flag, set := range map[string]bool{
			"required": attribute.Required, "optional": attribute.Optional, "computed": attribute.Computed,
			"sensitive": attribute.Sensitive, "deprecated": attribute.Deprecated, "write_only": attribute.WriteOnly,
		} {
			if set {
				described[flag] = true
			}
		}
		all[attribute.Name] = described
	}
	return all
}

func identitiesOf(identities map[string]*tfprotov6.ResourceIdentitySchema) object {
	all := object{}
	for name, identity := range identities {
		attributes := object{}
		for _, attribute := range identity.IdentityAttributes {
			described := object{"type": typeOf(attribute.Type), "description": attribute.Description}
			if attribute.RequiredForImport {
				described["required_for_import"] = true
			}
			if attribute.OptionalForImport {
				described["optional_for_import"] = true
			}
			attributes[attribute.Name] = described
		}
		all[name] = object{"version": identity.Version, "attributes": attributes}
	}
	return all
}

func describe(into object, description string, kind tfprotov6.StringKind) {
	if description == "" {
		return
	}
	into["description"], into["description_kind"] = description, "plain"
	if kind == tfprotov6.StringKindMarkdown {
		into["description_kind"] = "markdown"
	}
}

// typeOf is the JSON form of a type, as the generator reads it.
func typeOf(t tftypes.Type) any {
	switch t := t.(type) {
	case tftypes.List:
		return []any{"list", typeOf(t.ElementType)}
	case tftypes.Set:
		return []any{"set", typeOf(t.ElementType)}
	case tftypes.Map:
		return []any{"map", typeOf(t.ElementType)}
	case tftypes.Object:
		attributes := object{}
		for name, attribute := range t.AttributeTypes {
			attributes[name] = typeOf(attribute)
		}
		return []any{"object", attributes}
	}
	for name, primitive := range map[string]tftypes.Type{"string": tftypes.String, "number": tftypes.Number, "bool": tftypes.Bool} {
		if t.Equal(primitive) {
			return name
		}
	}
	return json.RawMessage(`"dynamic"`)
}
