package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// ownerKey is where private state keeps which object a resource is, with its account.
const ownerKey = "owner"

// held is which object a resource is, as a state shows it. Private state says the same and
// more, but is lost when the provider dies in an apply: Terraform then keeps what the state
// showed before, and nothing else.
type held struct {
	OwnerID   types.String `tfsdk:"owner_id"`
	AccountID types.String `tfsdk:"account_id"`
}

// hold shows the object.
func (h *held) hold(owner ownership.Owner) {
	h.OwnerID, h.AccountID = types.StringValue(owner.ID), types.StringValue(owner.Account)
}

// heldAttributes are those of held. They never change.
func heldAttributes(what string) map[string]schema.Attribute {
	constant := func(description string) schema.Attribute {
		return schema.StringAttribute{
			Computed: true, PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()}, MarkdownDescription: description,
		}
	}
	return map[string]schema.Attribute{
		"owner_id":   constant("Tells this " + what + " from others of its name. Everything that it makes carries it as the tag `stamp:owner`."),
		"account_id": constant("The AWS account that it is in."),
	}
}

// heldBy reads which object a state has; there is none before a create has ended.
func heldBy(ctx context.Context, private privateReader, diags *diag.Diagnostics) (owner ownership.Owner, there bool) {
	raw, more := private.GetKey(ctx, ownerKey)
	diags.Append(more...)
	if len(raw) == 0 || more.HasError() {
		return owner, false
	}
	if err := json.Unmarshal(raw, &owner); err != nil || !ownership.ValidID(owner.ID) {
		diags.AddError("The state is damaged",
			"What the state says of which object it has cannot be read. Take the resource out of the state (terraform state rm) and import it again.")
		return owner, false
	}
	return owner, true
}

// writeOwner keeps the object with the state.
func writeOwner(ctx context.Context, private privateWriter, owner ownership.Owner) diag.Diagnostics {
	raw, err := json.Marshal(owner)
	if err != nil {
		panic(err) // an Owner is strings alone
	}
	return private.SetKey(ctx, ownerKey, raw)
}

// newOwner is an object of that name that is yet to be created.
func (s *session) newOwner(ctx context.Context, kind ownership.Kind, name, region string, diags *diag.Diagnostics) ownership.Owner {
	caller, err := s.account.Caller(ctx)
	if err != nil {
		diags.AddError("The AWS account is not known",
			fmt.Sprintf("Which account the credentials belong to decides what may be touched, and cannot be read: %v.\n\nNothing was read or changed. "+
				"Give credentials that sts:GetCallerIdentity takes.", err))
		return ownership.Owner{}
	}
	return ownership.Owner{Kind: kind, Name: name, Account: caller.Account, Partition: caller.Partition, Region: region}
}

// owner is the object that a state has, if the credentials are of its account: otherwise
// nothing may be read, or whatever has the same name there would be taken for it.
func (s *session) owner(ctx context.Context, private privateReader, kind ownership.Kind, name, region string, shown held, diags *diag.Diagnostics) ownership.Owner {
	fresh := s.newOwner(ctx, kind, name, region, diags)
	owner, there := heldBy(ctx, private, diags)
	if !there && ownership.ValidID(shown.OwnerID.ValueString()) {
		owner, there = fresh.As(shown.OwnerID.ValueString()), true
		owner.Account = shown.AccountID.ValueString()
	}
	if diags.HasError() {
		return ownership.Owner{}
	}
	if !there {
		diags.AddError(fmt.Sprintf("The state does not say which %s it has", kind.Words()),
			fmt.Sprintf("It has the name %s (%s), but not whose things of that name are its own. Nothing was read or changed. "+
				"Take the resource out of the state (terraform state rm) and import it again.", name, region))
		return ownership.Owner{}
	}
	if err := owner.Check(callerOf(fresh)); err != nil {
		diags.AddError("The credentials are of another AWS account",
			fmt.Sprintf("%s %s (%s): %v.\n\nNothing was read or changed. Use credentials of account %s, or the state that belongs to account %s.",
				sentence(kind.Words()), name, region, err, owner.Account, fresh.Account))
		return ownership.Owner{}
	}
	s.names.know(owner)
	return owner
}

// sentence begins with a capital letter.
func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// checkName refuses, in the plan of a create, a name that is used twice in the
// configuration, or that somebody else has in this account and region. Objects that a state
// of this configuration has make room for the new one, before or after: those are returned.
func (s *session) checkName(ctx context.Context, private privateReader, fresh ownership.Owner, holders []ownership.Holder, diags *diag.Diagnostics) (predecessors []string) {
	former, replaced := heldBy(ctx, private, diags)
	if s.names.plan(fresh.As(former.ID), diags); diags.HasError() {
		return nil
	}
	for _, holder := range holders {
		predecessor := fresh.As(holder.OwnerID)
		// One that a state has is no create that has died, also where its lease was left.
		switch {
		case s.names.knows(predecessor):
		case holder.Creating:
			continue // the create takes it over, or waits for whoever is at it
		case !s.names.knowsSoon(ctx, predecessor):
			alreadyThere(fresh, holder, diags)
			continue
		}
		predecessors = append(predecessors, holder.OwnerID)
		s.names.announce(predecessor)
		if !replaced && s.names.wasRead(predecessor) {
			former, replaced = predecessor, true
		}
	}
	if replaced && !diags.HasError() {
		diags.AddWarning(fmt.Sprintf("%s %s is replaced", sentence(former.Kind.Words()), former.Name), endsFirst(former))
	}
	return predecessors
}

// endsFirst says what a replacement means for what is there.
func endsFirst(former ownership.Owner) string {
	what := "all of its instances end"
	if former.Kind == ownership.Image {
		what = "all of its versions, their copies and its SSM parameter are removed"
	}
	return fmt.Sprintf("With lifecycle { create_before_destroy = true }, the new %[1]s is made first. Without it, %[2]s before anything new is made.",
		former.Kind.Words(), what)
}

// alreadyThere is the error for a name that somebody else has.
func alreadyThere(fresh ownership.Owner, holder ownership.Holder, diags *diag.Diagnostics) {
	attributeError(diags, path.Root("name"), fmt.Sprintf("%s %s exists already", sentence(fresh.Kind.Words()), fresh.Name),
		fmt.Sprintf("Account %s (%s) has %s of a %s of this name, owner %s, that this Terraform state does not know.\n\n"+
			"%s. %s\n\n"+
			"If this is the apply of a plan with create_before_destroy that was made elsewhere, on another machine or in another directory, set %s=%s for it, or plan and apply in one place. "+
			"The variable takes several owners, with commas between them.",
			fresh.Account, fresh.Region, holder.What, fresh.Kind.Words(), holder.OwnerID, sentence(report.Import(fresh.Name+"@"+fresh.Region)), whenDestroying,
			replacesVariable, holder.OwnerID))
}

// choose returns, for an import, the one owner that has things of a name. An id may name it
// after a "#".
func choose(fresh ownership.Owner, holders []ownership.Holder, wanted string) (ownership.Owner, error) {
	var found []ownership.Holder
	var names []string
	for _, holder := range holders {
		if holder.Creating {
			return fresh, fmt.Errorf("its create has not ended (owner %s): when that was interrupted, run terraform apply instead of the import, and it goes on from there", holder.OwnerID)
		}
		names = append(names, fmt.Sprintf("%s (%s)", holder.OwnerID, holder.What))
		if wanted == "" || wanted == holder.OwnerID {
			found = append(found, holder)
		}
	}
	switch {
	case len(found) == 1:
		return fresh.As(found[0].OwnerID), nil
	case len(holders) == 0:
		empty := ""
		if fresh.Kind == ownership.Fleet {
			empty = ". A fleet is found by its instances. A fleet of size 0 has none, and nothing that an import could keep: remove the import block and apply, which creates it"
		}
		return fresh, fmt.Errorf("nothing in account %s (%s) belongs to a %s of this name. Give its name, or name@region when it is not in the provider's region%s",
			fresh.Account, fresh.Region, fresh.Kind.Words(), empty)
	case len(found) == 0:
		return fresh, fmt.Errorf("owner %s has nothing of this name; there are %s", wanted, strings.Join(names, ", "))
	}
	return fresh, fmt.Errorf("several objects have this name: %s. Say which one: %s@%s#%s",
		strings.Join(names, ", "), fresh.Name, fresh.Region, found[0].OwnerID)
}

// warnOfForeign names what carries an object's tags and is not its own.
func warnOfForeign(owner ownership.Owner, foreign []ownership.Foreign, diags *diag.Diagnostics) {
	if len(foreign) == 0 {
		return
	}
	const most = 10
	var lines []string
	for _, each := range foreign[:min(most, len(foreign))] {
		lines = append(lines, each.String())
	}
	if len(foreign) > most {
		lines = append(lines, fmt.Sprintf("and %d more", len(foreign)-most))
	}
	diags.AddWarning(fmt.Sprintf("Something else carries the tags of %s %s", owner.Kind.Words(), owner.Name),
		fmt.Sprintf("It is left alone: it is not counted, shared, changed or removed.\n\n%s\n\nRemove the tags that begin with \"stamp:\" from it, and see who has written them.",
			strings.Join(lines, "\n")))
}

func callerOf(owner ownership.Owner) cloud.Caller {
	return cloud.Caller{Account: owner.Account, Partition: owner.Partition}
}

// importOwner finds whose things of a name are imported. What there is of them, the read
// that comes next tells.
func (s *session) importOwner(ctx context.Context, kind ownership.Kind, req resource.ImportStateRequest, resp *resource.ImportStateResponse,
	holdersIn func(region *cloud.Region, fresh ownership.Owner) ([]ownership.Holder, error),
) {
	name, regionName, wanted := importedName(ctx, req, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	region := s.region(regionName, &resp.Diagnostics)
	if region == nil {
		return
	}
	fresh := s.newOwner(ctx, kind, name, region.Name(), &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	holders, err := holdersIn(region, fresh)
	if err == nil {
		fresh, err = choose(fresh, holders, wanted)
	}
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("%s %s cannot be imported", sentence(kind.Words()), name), err.Error()+".")
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("name"), name)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("region"), region.Name())...)
	resp.Diagnostics.Append(setIdentity(ctx, resp.Identity, types.StringValue(name), types.StringValue(region.Name()))...)
	resp.Diagnostics.Append(writeOwner(ctx, resp.Private, fresh)...)
}
