package lab

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// kindsOfTroubles are one of each.
var kindsOfTroubles = []Trouble{FailCall{}, NoCapacity{}, FailLaunch{}, Impair{}, HoldImage{}, FailImage{}}

// TestTroubles_areInTheGuide compares the guide's table with the kinds and fields that
// the door takes.
func TestTroubles_areInTheGuide(t *testing.T) {
	guide, err := os.ReadFile("../../templates/guides/lab.md")
	if err != nil {
		t.Fatal(err)
	}
	if len(kindsOfTroubles) != len(troubleKinds) {
		t.Errorf("%d kinds are compared, the door takes %d", len(kindsOfTroubles), len(troubleKinds))
	}
	_, table, _ := strings.Cut(string(guide), "## Troubles\n")
	for _, trouble := range kindsOfTroubles {
		row := regexp.MustCompile("(?m)^\\| `" + trouble.kind() + "` \\|[^|]*\\|(.*)\\|$").FindStringSubmatch(table)
		if row == nil {
			t.Errorf("the guide has no row of %s", trouble.kind())
			continue
		}
		var told []string
		for _, name := range regexp.MustCompile("((?:`[a-z_]+`(?:, )?)+): ").FindAllStringSubmatch(row[1], -1) {
			told = append(told, strings.Split(strings.ReplaceAll(name[1], "`", ""), ", ")...)
		}
		var fields []string
		for field := range reflect.TypeOf(trouble).Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			fields = append(fields, name)
		}
		slices.Sort(told)
		slices.Sort(fields)
		if !slices.Equal(told, fields) {
			t.Errorf("%s: the guide tells of %q, the door takes %q", trouble.kind(), told, fields)
		}
	}
}
