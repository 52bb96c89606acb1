package wire

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// Server is a provider's server that folds what is large.
type Server struct {
	// ProviderServer is the framework's, whose schemas have strings at the folds.
	tfprotov6.ProviderServer
	whole tfprotov6.ProviderServer
	folds map[string][]Path
}

// New returns a server that folds values of resources, by resource type, for the server
// that works. The whole one has the schemas that Terraform sees, and does nothing else.
func New(working, whole tfprotov6.ProviderServer, folds map[string][]Path) *Server {
	return &Server{ProviderServer: working, whole: whole, folds: folds}
}

// GetProviderSchema answers with what Terraform sees.
func (s *Server) GetProviderSchema(ctx context.Context, req *tfprotov6.GetProviderSchemaRequest) (*tfprotov6.GetProviderSchemaResponse, error) {
	return s.whole.GetProviderSchema(ctx, req)
}

// ValidateResourceConfig folds the configuration.
func (s *Server) ValidateResourceConfig(ctx context.Context, req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	asked := *req
	if err := s.in(ctx, req.TypeName, &asked.Config); err != nil {
		return nil, err
	}
	return s.ProviderServer.ValidateResourceConfig(ctx, &asked)
}

// UpgradeResourceState folds a state from Terraform's file.
func (s *Server) UpgradeResourceState(ctx context.Context, req *tfprotov6.UpgradeResourceStateRequest) (*tfprotov6.UpgradeResourceStateResponse, error) {
	asked := *req
	if paths := s.folds[req.TypeName]; paths != nil && req.RawState != nil && req.RawState.JSON != nil {
		kind, err := s.kind(ctx, req.TypeName)
		if err != nil {
			return nil, err
		}
		state, err := foldState(req.RawState.JSON, kind, paths)
		if err != nil {
			return &tfprotov6.UpgradeResourceStateResponse{Diagnostics: []*tfprotov6.Diagnostic{unreadable(req.TypeName, err)}}, nil
		}
		asked.RawState = &tfprotov6.RawState{JSON: state}
	}
	resp, err := s.ProviderServer.UpgradeResourceState(ctx, &asked)
	if err != nil {
		return resp, err
	}
	return resp, s.out(req.TypeName, &resp.UpgradedState)
}

// ReadResource folds the state that was, and unfolds the one that is.
func (s *Server) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	asked := *req
	if err := s.in(ctx, req.TypeName, &asked.CurrentState); err != nil {
		return nil, err
	}
	resp, err := s.ProviderServer.ReadResource(ctx, &asked)
	if err != nil {
		return resp, err
	}
	return resp, s.out(req.TypeName, &resp.NewState)
}

// PlanResourceChange folds what there is and what is wanted, and unfolds the plan.
func (s *Server) PlanResourceChange(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	asked := *req
	if err := s.in(ctx, req.TypeName, &asked.PriorState, &asked.ProposedNewState, &asked.Config); err != nil {
		return nil, err
	}
	resp, err := s.ProviderServer.PlanResourceChange(ctx, &asked)
	if err != nil {
		return resp, err
	}
	return resp, s.out(req.TypeName, &resp.PlannedState)
}

// ApplyResourceChange folds the plan, and unfolds what has become of it.
func (s *Server) ApplyResourceChange(ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	asked := *req
	if err := s.in(ctx, req.TypeName, &asked.PriorState, &asked.PlannedState, &asked.Config); err != nil {
		return nil, err
	}
	resp, err := s.ProviderServer.ApplyResourceChange(ctx, &asked)
	if err != nil {
		return resp, err
	}
	return resp, s.out(req.TypeName, &resp.NewState)
}

// ImportResourceState unfolds what is imported.
func (s *Server) ImportResourceState(ctx context.Context, req *tfprotov6.ImportResourceStateRequest) (*tfprotov6.ImportResourceStateResponse, error) {
	resp, err := s.ProviderServer.ImportResourceState(ctx, req)
	if err != nil {
		return resp, err
	}
	for _, imported := range resp.ImportedResources {
		if err := s.out(imported.TypeName, &imported.State); err != nil {
			return nil, err
		}
	}
	return resp, nil
}

// MoveResourceState unfolds what is moved. Its source is another provider's, or another
// type: whoever reads that knows its form.
func (s *Server) MoveResourceState(ctx context.Context, req *tfprotov6.MoveResourceStateRequest) (*tfprotov6.MoveResourceStateResponse, error) {
	resp, err := s.ProviderServer.MoveResourceState(ctx, req)
	if err != nil {
		return resp, err
	}
	return resp, s.out(req.TargetTypeName, &resp.TargetState)
}

// GenerateResourceConfig folds a state, and unfolds the configuration that is made of it.
func (s *Server) GenerateResourceConfig(ctx context.Context, req *tfprotov6.GenerateResourceConfigRequest) (*tfprotov6.GenerateResourceConfigResponse, error) {
	asked := *req
	if err := s.in(ctx, req.TypeName, &asked.State); err != nil {
		return nil, err
	}
	resp, err := s.ProviderServer.GenerateResourceConfig(ctx, &asked)
	if err != nil {
		return resp, err
	}
	return resp, s.out(req.TypeName, &resp.Config)
}

// in folds values on their way to the framework. A request is the caller's, and so are
// the values that it points to: others take their place.
func (s *Server) in(ctx context.Context, resource string, values ...**tfprotov6.DynamicValue) error {
	paths := s.folds[resource]
	if paths == nil {
		return nil
	}
	for _, value := range values {
		if *value == nil {
			continue
		}
		message, err := s.message(ctx, resource, **value)
		if err == nil {
			message, err = fold(message, paths)
		}
		if err != nil {
			return wrong(resource, err)
		}
		*value = &tfprotov6.DynamicValue{MsgPack: message}
	}
	return nil
}

// message is a value in the form that Terraform sends. The protocol allows for another.
func (s *Server) message(ctx context.Context, resource string, value tfprotov6.DynamicValue) ([]byte, error) {
	if value.JSON == nil {
		return value.MsgPack, nil
	}
	kind, err := s.kind(ctx, resource)
	if err != nil {
		return nil, err
	}
	raw, err := value.Unmarshal(kind)
	if err != nil {
		return nil, err
	}
	packed, err := tfprotov6.NewDynamicValue(kind, raw)
	return packed.MsgPack, err
}

// out unfolds a value on its way to Terraform.
func (s *Server) out(resource string, value **tfprotov6.DynamicValue) error {
	paths := s.folds[resource]
	if paths == nil || *value == nil {
		return nil
	}
	message, err := unfold((*value).MsgPack, paths)
	if err != nil {
		return wrong(resource, err)
	}
	*value = &tfprotov6.DynamicValue{MsgPack: message}
	return nil
}

// kind is the type of a resource that Terraform sees.
func (s *Server) kind(ctx context.Context, resource string) (tftypes.Type, error) {
	schemas, err := s.whole.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		return nil, err
	}
	schema, there := schemas.ResourceSchemas[resource]
	if !there {
		return nil, fmt.Errorf("there is no resource %s", resource)
	}
	return schema.ValueType(), nil
}

// unreadable is about a state that somebody has edited, or a later version has written.
func unreadable(resource string, err error) *tfprotov6.Diagnostic {
	return &tfprotov6.Diagnostic{
		Severity: tfprotov6.DiagnosticSeverityError,
		Summary:  "The state of a " + resource + " cannot be read",
		Detail: fmt.Sprintf("It is not as this version of the provider writes it: %v. Nothing was changed. "+
			"Use the version that has written it, restore the state from a backup, or remove the resource from it and import it again.", err),
	}
}

func wrong(resource string, err error) error {
	return fmt.Errorf("a value of %s that Terraform and the provider understand differently; this is a bug of the provider: %w", resource, err)
}
