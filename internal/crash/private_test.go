//go:build linux

package crash

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// When a provider dies in an apply, Terraform keeps the attributes that the state had, and
// not what the provider had stored beside them. The next plan works, and changes nothing.
func TestPrivateStateLost(t *testing.T) {
	t.Parallel()
	l := newLife(t)
	first := stages(false)[0]
	l.play(t, first, cut{})
	path := filepath.Join(l.dir, "terraform.tfstate")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var state map[string]any
	if err := json.Unmarshal(content, &state); err != nil {
		t.Fatal(err)
	}
	lost := 0
	forget(state, "private", &lost)
	if content, err = json.Marshal(state); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if lost != 2 {
		t.Fatalf("%d objects had private state, want the image and the fleet", lost)
	}
	l.rests(t, "without private state", first, false)
	last := stages(false)[5]
	last.shop = first.shop
	l.play(t, last, cut{})
}

// forget removes a key from all objects within a value.
func forget(within any, key string, count *int) {
	switch value := within.(type) {
	case map[string]any:
		if _, there := value[key]; there {
			delete(value, key)
			*count++
		}
		for _, inner := range value {
			forget(inner, key, count)
		}
	case []any:
		for _, inner := range value {
			forget(inner, key, count)
		}
	}
}
