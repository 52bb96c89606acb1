// Schemajson prints the provider's schema in the JSON form of "terraform providers
// schema -json", straight from the provider server: no CLI is needed, and identity
// schemas are there whatever CLI is installed.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	document, err := export(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "schemajson:", err)
		os.Exit(1)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(document); err != nil {
		fmt.Fprintln(os.Stderr, "schemajson:", err)
		os.Exit(1)
	}
}
