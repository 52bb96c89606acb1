package image

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

// ReadUpload reads the files of a step's upload once, and no more of them at a time than is
// on its way: it fills in their digests and the step's.
func ReadUpload(step guest.Step) error {
	sum, err := readStep(step)
	if err == nil {
		step.Upload.Digest = sum
	}
	return err
}

// StepOf is a step whose upload was read, as a recipe keeps it.
func StepOf(step guest.Step) StepDigest { return Bake{}.stepRecipe(step) }

// stepRecipe is a step as a recipe keeps it.
func (b Bake) stepRecipe(step guest.Step) StepDigest {
	if remembered, ok := b.Remembered[step.Name]; ok {
		return remembered
	}
	recipe := StepDigest{Name: step.Name}
	if step.Upload == nil {
		recipe.Digest, _ = readStep(step) // nothing is read from a disk
		return recipe
	}
	if recipe.Digest = step.Upload.Digest; recipe.Digest == "" {
		recipe.Digest, _ = readStep(step) // its files are in memory: ReadUpload has read all others
	}
	recipe.Count = len(step.Upload.Files)
	recipe.Files = map[string]string{}
	for _, file := range step.Upload.Files {
		recipe.Files[file.Path] = file.Mode + " " + file.SHA256[:12]
	}
	for _, folder := range step.Upload.EmptyFolders() {
		recipe.Files[folder+"/"] = "directory"
	}
	return recipe
}

// unread is an error when there are steps whose files were not read.
func (b Bake) unread() error {
	if len(b.Remembered) == 0 {
		return nil
	}
	return fmt.Errorf("the files to upload by %s were not read", strings.Join(slices.Sorted(maps.Keys(b.Remembered)), ", "))
}

// Limits of what a recipe keeps of files, so that private state stays small.
const (
	keptFiles = 1000
	keptBytes = 64 << 10
)

// Kept is the recipe as it is to be kept: without the names of files where they are many.
func (r Recipe) Kept() Recipe {
	r.Steps = KeptSteps(r.Steps)
	return r
}

// KeptSteps are steps as they are to be kept: without the names of files from where on they
// are too many.
func KeptSteps(steps []StepDigest) []StepDigest {
	steps = slices.Clone(steps)
	files, size := 0, 0
	for i, step := range steps {
		of := 0
		for path, what := range step.Files {
			of += len(path) + len(what) + 6 // with what JSON puts around them
		}
		if files+len(step.Files) > keptFiles || size+of > keptBytes {
			steps[i].Files = nil
			continue
		}
		files, size = files+len(step.Files), size+of
	}
	return steps
}

// namedFiles is how many files a reason names.
const namedFiles = 3

// fileChanges says which files of an upload differ, as far as that is known.
func fileChanges(now, before StepDigest) string {
	if now.Files == nil || before.Files == nil {
		if now.Count != before.Count && before.Count > 0 {
			return fmt.Sprintf(" (%d files, %d before)", now.Count, before.Count)
		}
		return ""
	}
	all := maps.Clone(before.Files)
	maps.Copy(all, now.Files)
	var changes []string
	for _, path := range slices.Sorted(maps.Keys(all)) {
		if change := fileChange(path, now.Files, before.Files); change != "" {
			changes = append(changes, change)
		}
	}
	if more := len(changes) - namedFiles; more > 0 {
		changes = append(changes[:namedFiles], fmt.Sprintf("and %d more", more))
	}
	if len(changes) == 0 {
		return ""
	}
	return " (" + strings.Join(changes, "; ") + ")"
}

func fileChange(path string, now, before map[string]string) string {
	name := path
	if printed := strconv.Quote(path); printed != `"`+path+`"` {
		name = printed
	}
	is, there := now[path]
	was, wasThere := before[path]
	mode, sum, _ := strings.Cut(is, " ")
	modeBefore, sumBefore, _ := strings.Cut(was, " ")
	switch {
	case path == "" && there != wasThere: // a file instead of a directory
		return ""
	case !wasThere:
		return "+ " + name
	case !there:
		return "- " + name
	case sum != sumBefore:
		return name // of a single file, which has no name of its own, nothing
	case mode != modeBefore:
		return strings.TrimSuffix("mode of "+name, " of ")
	}
	return ""
}

// readStep is the digest of what a step does. What came after the first release is added
// only where it is set, so that the fingerprints of before stay.
func readStep(step guest.Step) (string, error) {
	hash := sha256.New()
	writeParts(hash, "step 1", step.Script, environmentDigest(step.Environment))
	if upload := step.Upload; upload != nil {
		writeParts(hash, upload.Destination, strconv.FormatBool(upload.Directory), upload.Mode, upload.Owner)
		for i := range upload.Files {
			file := &upload.Files[i]
			writeParts(hash, file.Path, file.Mode)
			_, _ = fmt.Fprintf(hash, "%d:", file.Size())
			if err := file.CopyTo(hash); err != nil {
				return "", err
			}
		}
		for _, folder := range upload.EmptyFolders() {
			writeParts(hash, folder+"/", "directory", "")
		}
	}
	if step.User != "" {
		writeParts(hash, "user", step.User)
	}
	if step.Local != "" {
		writeParts(hash, "local", step.Local)
	}
	if step.Reboot {
		writeParts(hash, "reboot")
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
