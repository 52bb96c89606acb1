//go:build linux

package crash

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// known is what the state knows of.
type known struct {
	// instances are those of the fleet, images the versions, and current the version that
	// is the current one.
	instances, images []string
	current           string
	// deposed counts objects that were replaced and not destroyed yet.
	deposed int
}

// stateFile is what we read of a state.
type stateFile struct {
	Resources []struct {
		Type      string `json:"type"`
		Instances []struct {
			Deposed    string `json:"deposed"`
			Attributes struct {
				ImageID  string `json:"image_id"`
				Versions []struct {
					ImageID string `json:"image_id"`
				} `json:"versions"`
				Instances map[string]struct {
					InstanceID string `json:"instance_id"`
				} `json:"instances"`
			} `json:"attributes"`
		} `json:"instances"`
	} `json:"resources"`
}

// readState reads the state in a directory; one that is not there knows nothing.
func readState(dir string) (known, error) {
	var all known
	content, err := os.ReadFile(filepath.Join(dir, "terraform.tfstate"))
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return all, err
	}
	var file stateFile
	if err := json.Unmarshal(content, &file); err != nil {
		return all, err
	}
	for _, resource := range file.Resources {
		for _, object := range resource.Instances {
			if object.Deposed != "" {
				all.deposed++
			}
			for _, version := range object.Attributes.Versions {
				all.images = append(all.images, version.ImageID)
			}
			for _, instance := range object.Attributes.Instances {
				all.instances = append(all.instances, instance.InstanceID)
			}
			if resource.Type == "stamp_golden_image" {
				all.current = object.Attributes.ImageID
			}
		}
	}
	return all, nil
}
