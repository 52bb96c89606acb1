package guests

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests/disk"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests/pid1"
)

// stopTimeout is how long a guest may take to power off when it is told to; then it
// loses its power. EC2 also forces a stop that hangs.
const stopTimeout = 10 * time.Second

// rootTree is the name of the root's tree where a name cannot be empty.
const rootTree = "root"

// realGuest is a guest in namespaces.
type realGuest struct {
	host *realHost
	spec Spec
	// dir is the guest's directory, relative to the host's; system and base are what
	// its disk stands on: a base image and frozen layers; number is the guest's own. Only
	// ReplaceDisk changes the four, while the guest is off.
	dir    string
	system string
	base   []Layer
	number int

	// disk is held while the disk is copied, removed or handed to a boot.
	disk sync.Mutex
	mu   sync.Mutex
	// process is the present boot; nil while the guest is off.
	process *process
	// off is closed when the guest has gone off after the present power-on.
	off chan struct{}
	// leaving is set when the guest is to go off, or to stay off, from outside.
	leaving bool
	// gone is set once the disk is removed or about to be.
	gone bool
}

// trees returns the guest's overlays: the root, then the program directories.
func (g *realGuest) trees() []pid1.Tree {
	root := pid1.Tree{Lower: append(g.layers(rootTree), filepath.Join("b", g.system), "h")}
	trees := []pid1.Tree{root}
	for _, name := range g.host.programs {
		tree := pid1.Tree{Name: name, Lower: g.layers(name)}
		for _, shared := range []string{"t", "m"} {
			if dir := filepath.Join(shared, name); g.host.has(dir) {
				tree.Lower = append(tree.Lower, dir)
			}
		}
		if g.host.mapped {
			tree.Lower = append(tree.Lower, filepath.Join("p", name))
		} else {
			tree.Lower = append(tree.Lower, "/"+name)
		}
		trees = append(trees, tree)
	}
	for i := range trees {
		trees[i].Upper = filepath.Join(g.dir, treeDir(trees[i]), "u")
		trees[i].Work = filepath.Join(g.dir, treeDir(trees[i]), "w")
	}
	return trees
}

func treeDir(tree pid1.Tree) string {
	if tree.Name == "" {
		return rootTree
	}
	return tree.Name
}

// layers returns one tree's directories in the image's layers, the topmost first.
func (g *realGuest) layers(tree string) []string {
	var dirs []string
	for _, layer := range slices.Backward(g.base) {
		if layer.Dir == "" {
			continue
		}
		dir := filepath.Join(layer.Dir, tree)
		if relative, err := filepath.Rel(g.host.dir, dir); err == nil && filepath.IsLocal(relative) {
			dir = relative
		}
		if g.host.has(dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// has reports whether a directory exists, taken from the host's own if relative.
func (h *realHost) has(dir string) bool {
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(h.dir, dir)
	}
	info, err := os.Stat(dir)
	return err == nil && info.IsDir()
}

// makeDisk makes the empty disk.
func (g *realGuest) makeDisk() error {
	for _, layer := range g.base {
		if layer.Dir != "" && !g.host.has(layer.Dir) {
			return fmt.Errorf("the layer %s: %w", layer.Dir, fs.ErrNotExist)
		}
	}
	for _, dir := range []string{g.dir, filepath.Join(g.dir, "mnt")} {
		if err := os.Mkdir(filepath.Join(g.host.dir, dir), 0o755); err != nil {
			return err
		}
	}
	for _, tree := range g.trees() {
		for _, dir := range []string{filepath.Dir(tree.Upper), tree.Upper, tree.Work} {
			path := filepath.Join(g.host.dir, dir)
			if err := os.Mkdir(path, 0o755); err != nil {
				return err
			}
			// An upper directory's mode is that of the tree's root, whatever the umask.
			if err := os.Chmod(path, 0o755); err != nil {
				return err
			}
		}
	}
	return g.host.give(g.dir)
}

func (g *realGuest) Boot() error {
	g.disk.Lock()
	defer g.disk.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.gone:
		return errors.New("the guest is destroyed")
	case g.process != nil:
		return errRunning
	}
	p, err := startProcess(g)
	if err != nil {
		return err
	}
	g.process, g.off, g.leaving = p, make(chan struct{}), false
	go g.supervise(p)
	return nil
}

// supervise sees a guest through its boots until it is off.
func (g *realGuest) supervise(p *process) {
	for {
		end := <-p.ended
		g.mu.Lock()
		leaving := g.leaving
		if end == endReboot && !leaving {
			next, err := startProcess(g)
			if err == nil {
				g.process, p = next, next
				g.mu.Unlock()
				continue
			}
			fmt.Fprintf(console(g.spec), "lab: the guest does not start again: %v\r\n", err)
		}
		g.process = nil
		close(g.off)
		g.mu.Unlock()
		if end == endDied && !leaving {
			fmt.Fprintf(console(g.spec), "lab: the guest's first process died\r\n")
		}
		if !leaving && g.spec.Off != nil {
			g.spec.Off()
		}
		return
	}
}

func (g *realGuest) Run(ctx context.Context, script string) (output string, exitCode int, err error) {
	p := g.present()
	if p == nil {
		return "", 0, ErrOff
	}
	event, err := p.run(ctx, pid1.Request{Op: pid1.OpRun, Script: script})
	return string(event.Data), event.ExitCode, err
}

func (g *realGuest) Execute(ctx context.Context, command Command) (Result, error) {
	p := g.present()
	if p == nil {
		return Result{}, ErrOff
	}
	event, err := p.run(ctx, pid1.Request{
		Op: pid1.OpRun, Script: command.Script, Apart: true, Directory: command.Directory, Environment: command.Environment,
	})
	return Result{Output: string(event.Data), Errors: string(event.Errors), ExitCode: event.ExitCode}, err
}

func (g *realGuest) present() *process {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.process
}

func (g *realGuest) Stop() {
	p, off := g.leave()
	if p == nil {
		return
	}
	p.powerButton()
	select {
	case <-off:
	case <-time.After(stopTimeout):
		g.cut()
		<-off
	}
}

// leave notes that the guest goes off from outside, and returns the present boot.
func (g *realGuest) leave() (*process, <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.leaving = true
	return g.process, g.off
}

// cut takes the guest's power.
func (g *realGuest) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.process != nil {
		g.process.kill()
	}
}

func (g *realGuest) Freeze() (Layer, error) {
	g.disk.Lock()
	defer g.disk.Unlock()
	g.mu.Lock()
	p, gone := g.process, g.gone
	g.mu.Unlock()
	if gone {
		return Layer{}, errors.New("the guest is destroyed")
	}
	if p != nil {
		// What EC2 calls "no reboot": the disk as a power cut would leave it.
		// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html
		defer p.pause()()
	}
	dir, err := g.host.newLayer()
	if err != nil {
		return Layer{}, err
	}
	for _, tree := range g.trees() {
		err := disk.Copy(filepath.Join(dir, treeDir(tree)), filepath.Join(g.host.dir, tree.Upper))
		if err != nil {
			return Layer{}, errors.Join(fmt.Errorf("freezing /%s: %w", tree.Name, err), disk.Remove(dir))
		}
	}
	return Layer{Dir: dir}, nil
}

func (g *realGuest) ReplaceDisk(system string, layers []Layer) error {
	if err := g.host.base(system); err != nil {
		return err
	}
	g.disk.Lock()
	defer g.disk.Unlock()
	g.mu.Lock()
	running, gone := g.process != nil, g.gone
	g.mu.Unlock()
	switch {
	case gone:
		return errors.New("the guest is destroyed")
	case running:
		return errRunning
	}
	oldDir, oldSystem, oldBase, oldNumber := g.dir, g.system, g.base, g.number
	if err := g.host.add(g); err != nil {
		return err
	}
	g.system, g.base = system, layers
	if err := g.makeDisk(); err != nil {
		failed := g.dir
		g.dir, g.system, g.base, g.number = oldDir, oldSystem, oldBase, oldNumber
		return errors.Join(err, disk.Remove(filepath.Join(g.host.dir, failed)))
	}
	g.host.groups.remove(oldNumber)
	return disk.Remove(filepath.Join(g.host.dir, oldDir))
}

func (g *realGuest) Destroy() {
	g.mu.Lock()
	gone, p, off := g.gone, g.process, g.off
	g.gone, g.leaving = true, true
	g.mu.Unlock()
	if gone {
		return
	}
	if p != nil {
		g.cut()
		<-off
	}
	g.disk.Lock()
	defer g.disk.Unlock()
	if err := disk.Remove(filepath.Join(g.host.dir, g.dir)); err != nil {
		fmt.Fprintf(console(g.spec), "lab: the guest's disk stays until the lab ends: %v\r\n", err)
	}
	g.host.groups.remove(g.number)
	g.host.remove(g)
}
