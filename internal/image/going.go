package image

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// Going says what goes with a line that is destroyed: its versions, the regions of their
// copies, and how many running instances of this account were launched from them. It is one
// request for each region. It returns nothing for a line without versions.
func Going(ctx context.Context, aws AWS, in Regions, line Line) string {
	if len(line.Versions) == 0 {
		return ""
	}
	inRegion := map[string][]string{}
	for _, version := range line.Versions {
		for _, at := range version.places(aws.Name()) {
			inRegion[at.region] = append(inRegion[at.region], at.image.ID)
		}
	}
	text := line.inWords() + " of it"
	if len(line.Versions) > 1 {
		text = fmt.Sprintf("%d versions of it (%s)", len(line.Versions), numbersOf(line.Versions))
	}
	copies := slices.DeleteFunc(slices.Sorted(maps.Keys(inRegion)), func(region string) bool { return region == aws.Name() })
	if len(copies) > 0 {
		text += ", with copies in " + strings.Join(copies, ", ")
	}
	return text + ". " + instancesOf(ctx, world{aws, in}, inRegion)
}

func numbersOf(versions []Version) string {
	var numbers []int
	for _, version := range versions {
		numbers = append(numbers, version.Number)
	}
	slices.Sort(numbers)
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(numbers), " ", ", "), "[]")
}

// instancesOf counts the instances that were launched from the images.
func instancesOf(ctx context.Context, w world, inRegion map[string][]string) string {
	var (
		wait   sync.WaitGroup
		mu     sync.Mutex
		counts = map[string]int{}
		failed = map[string]error{}
	)
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	for region, ids := range inRegion {
		wait.Go(func() {
			found, err := func() ([]cloud.Instance, error) {
				there, err := w.region(region)
				if err != nil {
					return nil, err
				}
				return there.Instances(ctx, cloud.InstanceQuery{ImageIDs: ids})
			}()
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed[region] = err
			} else if len(found) > 0 {
				counts[region] = len(found)
			}
		})
	}
	wait.Wait()
	var words []string
	total := 0
	for _, region := range slices.Sorted(maps.Keys(counts)) {
		total += counts[region]
		words = append(words, fmt.Sprintf("%d in %s", counts[region], region))
	}
	text := "No instance of this account runs from them."
	switch {
	case total == 1:
		text = "1 instance of this account was launched from them (" + words[0] + "): unless the same apply ends it, it runs on, but cannot be launched again."
	case total > 1:
		text = fmt.Sprintf("%d instances of this account were launched from them (%s): those that the same apply does not end run on, but no further one can be launched.", total, strings.Join(words, ", "))
	case len(failed) > 0:
		text = ""
	}
	for _, region := range slices.Sorted(maps.Keys(failed)) {
		text += fmt.Sprintf(" How many run in %s could not be read: %v.", region, failed[region])
	}
	return strings.TrimSpace(text)
}
