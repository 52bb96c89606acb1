package provider

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/image"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// filesKey is where private state keeps the digests of the uploads as the last refresh, or the
// last apply, has found them. Terraform plans once more when it applies: by them that plan
// knows what the first one has shown, although a file may have changed since.
const filesKey = "files"

// rememberedFiles are steps with an upload, by the key of their configuration.
type rememberedFiles map[string]image.StepDigest

// upload is a step of the configuration that uploads something from the disk.
type upload struct {
	index int
	model stepModel
}

func (u upload) path() path.Path {
	return path.Root("bake").AtName("steps").AtListIndex(u.index).AtName("upload").AtName("source")
}

// key identifies what the configuration says of the upload.
func (u upload) key() string {
	said := u.model.Upload
	text, err := json.Marshal([]any{
		u.model.Name.ValueString(), said.Source.ValueString(), said.Destination.ValueString(), said.Mode.ValueString(), said.Owner.ValueString(), elements(said.Exclude),
	})
	if err != nil {
		panic(err) // strings are all there is
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// uploads are the steps that upload something from the disk, as far as they are known.
func (m *goldenImageModel) uploads(ctx context.Context, diags *diag.Diagnostics) []upload {
	if m == nil || m.Bake.IsNull() || !known(ctx, m.Bake) {
		return nil
	}
	var bake bakeModel
	diags.Append(m.Bake.As(ctx, &bake, basetypes.ObjectAsOptions{})...)
	var all []upload
	for i, step := range bake.Steps {
		if step.Upload != nil && !step.Upload.Source.IsNull() {
			all = append(all, upload{i, step})
		}
	}
	return all
}

// read finds and reads the files, each once.
func (u upload) read() (*guest.Upload, error) {
	spec := u.model.Upload.spec()
	if err := findFiles(spec, u.model.Upload.Source.ValueString(), elements(u.model.Upload.Exclude)); err != nil {
		return nil, err
	}
	return spec, image.ReadUpload(guest.Step{Name: u.model.Name.ValueString(), Upload: spec})
}

// unreadable says what is wrong with a source.
func (u upload) unreadable(err error, there bool, diags *diag.Diagnostics) {
	without := ""
	if there {
		without = " A destroy needs no file: run terraform destroy -refresh=false."
	}
	attributeError(diags, u.path(), "The file to upload cannot be read",
		fmt.Sprintf("%v\n\nA plan that bakes reads the files to upload, so they must exist when it is made. "+
			"The path is relative to the directory in which Terraform runs; use \"${path.module}/…\" for a file beside the configuration. "+
			"Where a resource of this configuration makes the file, take the path from an attribute of that resource which is known after apply only, "+
			"like the output of a terraform_data: then it is read in the apply.%s", err, without))
}

// seenFiles are uploads that were read to refresh the state, until the plan that comes next
// takes them: it need not read them again.
type seenFiles struct {
	mu    sync.Mutex
	files map[string]seenUpload
}

type seenUpload struct {
	files *guest.Upload
	at    time.Time
}

func (s *seenFiles) put(key string, files *guest.Upload) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.files == nil {
		s.files = map[string]seenUpload{}
	}
	s.files[key] = seenUpload{files, time.Now()}
}

// take returns an upload once.
func (s *seenFiles) take(key string) *guest.Upload {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.files[key]
	delete(s.files, key)
	if time.Since(seen.at) >= sightLasts {
		return nil
	}
	return seen.files
}

// line identifies a line within a process.
func (m *goldenImageModel) line() string { return m.Name.ValueString() + "@" + m.Region.ValueString() }

// rememberFiles reads the uploads that state tells of. What cannot be read is for the plan to
// complain of: a destroy does not need it.
func (r *goldenImage) rememberFiles(ctx context.Context, state *goldenImageModel, private interface {
	privateReader
	privateWriter
}, diags *diag.Diagnostics,
) {
	uploads := state.uploads(ctx, diags)
	if len(uploads) == 0 {
		return
	}
	remembered := rememberedFiles{}
	for _, each := range uploads {
		files, err := each.read()
		if err != nil {
			continue
		}
		r.session.files.put(state.line()+" "+each.key(), files)
		remembered[each.key()] = image.StepOf(guest.Step{Name: each.model.Name.ValueString(), Upload: files})
	}
	earlier, more := earlierRecipe(ctx, private)
	diags.Append(more...)
	diags.Append(remembered.write(ctx, private, earlier)...)
}

// write keeps them, without the names of files that the recipe has already.
func (f rememberedFiles) write(ctx context.Context, private privateWriter, recipe *image.Recipe) diag.Diagnostics {
	var keys []string
	var steps []image.StepDigest
	for key, step := range f {
		if known := stepOf(recipe, step.Name); known != nil && known.Digest == step.Digest {
			step.Files = nil
		}
		keys, steps = append(keys, key), append(steps, step)
	}
	kept := rememberedFiles{}
	for i, step := range image.KeptSteps(steps) {
		kept[keys[i]] = step
	}
	raw, err := json.Marshal(kept)
	if err != nil {
		panic(err) // strings and numbers are all there is
	}
	return private.SetKey(ctx, filesKey, raw)
}

// readRemembered reads what was kept.
func readRemembered(ctx context.Context, private privateReader, recipe *image.Recipe, diags *diag.Diagnostics) rememberedFiles {
	raw, more := private.GetKey(ctx, filesKey)
	diags.Append(more...)
	var files rememberedFiles
	if len(raw) == 0 || json.Unmarshal(raw, &files) != nil {
		return nil // a plan goes by what is there now
	}
	for key, step := range files {
		if known := stepOf(recipe, step.Name); known != nil && known.Digest == step.Digest {
			files[key] = *known
		}
	}
	return files
}

func stepOf(recipe *image.Recipe, name string) *image.StepDigest {
	if recipe == nil {
		return nil
	}
	at := slices.IndexFunc(recipe.Steps, func(step image.StepDigest) bool { return step.Name == name })
	if at < 0 {
		return nil
	}
	return &recipe.Steps[at]
}

// uploadReader fills in a spec's uploads.
type uploadReader struct {
	plan, state *goldenImageModel
	// earlier is the recipe of the current version; remembered is what was found last.
	earlier    *image.Recipe
	remembered rememberedFiles
	seen       *seenFiles
	diags      *diag.Diagnostics
	// missing are uploads that cannot be read, and that are as they were in the recipe.
	missing []missingUpload
	// then are the steps, by name, that are not what was found last.
	then map[string]image.StepDigest
	// any is set when something comes from the disk.
	any bool
}

type missingUpload struct {
	upload
	err error
}

// fill reads the files. With asPlanned what was found last is taken where it is known, since
// nothing is baked.
func (r *uploadReader) fill(ctx context.Context, spec *image.Spec, asPlanned bool) {
	spec.Bake.Remembered, r.then = map[string]image.StepDigest{}, map[string]image.StepDigest{}
	for _, each := range r.plan.uploads(ctx, r.diags) {
		r.any = true
		step := &spec.Bake.Steps[each.index]
		last, there := r.remembered[each.key()]
		if asPlanned && there {
			spec.Bake.Remembered[step.Name] = last
			continue
		}
		files := r.seen.take(r.plan.line() + " " + each.key())
		var err error
		if files == nil {
			files, err = each.read()
		}
		switch {
		case err == nil:
			step.Upload = files
			if there && last.Digest != files.Digest {
				r.then[step.Name] = last
			}
		case r.lastKnown(ctx, each) != nil:
			spec.Bake.Remembered[step.Name] = *r.lastKnown(ctx, each)
			r.missing = append(r.missing, missingUpload{each, err})
		default:
			each.unreadable(err, r.state != nil, r.diags)
		}
	}
}

// lastKnown is what the current version has of an upload of which the configuration says what
// it said then.
func (r *uploadReader) lastKnown(ctx context.Context, wanted upload) *image.StepDigest {
	for _, before := range r.state.uploads(ctx, r.diags) {
		if before.key() == wanted.key() {
			return stepOf(r.earlier, wanted.model.Name.ValueString())
		}
	}
	return nil
}

// keep is what the state is to remember of the uploads after an apply.
func (r *uploadReader) keep(ctx context.Context, spec image.Spec) rememberedFiles {
	files := rememberedFiles{}
	recipe := spec.Recipe("")
	for _, each := range r.plan.uploads(ctx, r.diags) {
		files[each.key()] = recipe.Steps[each.index]
	}
	return files
}

// weigh makes the engine's plan. Where a file is not what the refresh has found, this may be
// the second plan, which Terraform makes in the apply, and has to be as the first.
func (p *goldenImagePlanner) weigh(spec *image.Spec, source string, line image.Line, files *uploadReader) (image.Recipe, image.Plan, error) {
	recipe := spec.ResolveRecipe(source, p.plan.sourceEdited(p.state), line)
	plan, err := image.NewPlan(*spec, recipe, p.earlier, line, p.now)
	if err != nil || len(files.then) == 0 || p.state == nil {
		return recipe, plan, err
	}
	before := *spec
	before.Bake.Remembered = maps.Clone(spec.Bake.Remembered)
	maps.Copy(before.Bake.Remembered, files.then)
	recipeBefore := before.ResolveRecipe(source, p.plan.sourceEdited(p.state), line)
	planBefore, err := image.NewPlan(before, recipeBefore, p.earlier, line, p.now)
	if err != nil || planBefore.Action == image.BakeNew {
		return recipe, planBefore, err
	}
	if changed := p.plan.ImageID.IsUnknown() || !p.plan.TagsAll.Equal(p.state.TagsAll) || planBefore.Visible(); !changed {
		return recipe, plan, nil // then this is the first: there was nothing to apply
	}
	p.diags.AddWarning(fmt.Sprintf("Files of golden image %s have changed meanwhile", spec.Name),
		fmt.Sprintf("What is uploaded by %s is not what the last refresh has found, and by that nothing is to be baked. "+
			"The other changes are made, and the files are left for the next plan.", quotedNames(files.then)))
	*spec = before
	return recipeBefore, planBefore, nil
}

func quotedNames(steps map[string]image.StepDigest) string {
	var names []string
	for name := range steps {
		names = append(names, fmt.Sprintf("step %q", name))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// checkMissing says what follows from files that cannot be read: nothing but a warning, unless
// they are to be baked.
func (p *goldenImagePlanner) checkMissing(files *uploadReader, plan image.Plan) {
	for _, each := range files.missing {
		if plan.Action == image.BakeNew {
			each.unreadable(each.err, true, p.diags)
			continue
		}
		p.diags.AddAttributeWarning(path.Root("bake"), "The file to upload cannot be read", report.Clean(fmt.Sprintf(
			"%s: %v\n\nNothing is baked, so it is taken to be what it was when version %d was. A bake needs it.", nameOf(each.path()), each.err, plan.Version)))
	}
}
