package lab

import (
	"slices"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
)

// disk is what is on a volume or a snapshot, as far as guests are concerned: the
// skeleton of a base image and the frozen layers above it. Only root volumes have
// one that is not empty; guests see no other volume.
type disk struct {
	os     string
	layers []guests.Layer
}

// with is the disk with further layers on top.
func (d disk) with(layers ...guests.Layer) disk {
	d.layers = append(slices.Clone(d.layers), layers...)
	return d
}

// rootDevice is where the root volume is, for as long as the instance lives.
func (i *instance) rootDevice() string { return i.launch.image.rootDevice }

// root finds the volume that the instance boots from; nil once it has none.
func (i *instance) root() *volume {
	for _, v := range i.volumes {
		if v.device == i.rootDevice() {
			return v
		}
	}
	return nil
}

// disk is what the guest started from.
func (i *instance) disk() disk {
	if root := i.root(); root != nil {
		return root.disk
	}
	return i.image.disk
}

// contentOf is what a volume of this mapping has on it at an image's launch: the
// image's content, unless the launch has named another snapshot.
func (r *region) contentOf(m mapping, of *image) disk {
	kept := r.place.snapshots.get(m.snapshotID)
	if kept == nil || of.root() != nil && of.root().snapshotID == m.snapshotID {
		return of.disk
	}
	return kept.disk
}

// root finds the mapping that the image's instances boot from; nil without one.
func (i *image) root() *mapping {
	for at := range i.mappings {
		if i.mappings[at].device == i.rootDevice {
			return &i.mappings[at]
		}
	}
	return nil
}
