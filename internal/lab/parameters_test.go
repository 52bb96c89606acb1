package lab_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// store starts a lab, with a Systems Manager client for us-east-1.
func store(t *testing.T) (*labtest.Server, *ssm.Client) {
	t.Helper()
	server := labtest.Start(t, lab.Options{})
	return server, ssm.NewFromConfig(config(server.URL, "us-east-1", nil))
}

type putting func(*ssm.PutParameterInput)

func overwriting(in *ssm.PutParameterInput) { in.Overwrite = aws.Bool(true) }

func anImage(in *ssm.PutParameterInput) { in.DataType = aws.String("aws:ec2:image") }

func put(t *testing.T, client *ssm.Client, name, value string, change ...putting) (*ssm.PutParameterOutput, error) {
	t.Helper()
	in := &ssm.PutParameterInput{Name: &name, Value: &value, Type: types.ParameterTypeString}
	for _, apply := range change {
		apply(in)
	}
	return client.PutParameter(t.Context(), in)
}

func mustPut(t *testing.T, client *ssm.Client, name, value string, change ...putting) {
	t.Helper()
	if _, err := put(t, client, name, value, change...); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, client *ssm.Client, name string) types.Parameter {
	t.Helper()
	out, err := client.GetParameter(t.Context(), &ssm.GetParameterInput{Name: &name})
	if err != nil {
		t.Fatal(err)
	}
	return *out.Parameter
}

func TestParameter_putOverwriteDelete(t *testing.T) {
	server, client := store(t)
	first, err := put(t, client, "/golden/web", "one", func(in *ssm.PutParameterInput) {
		in.Tags = []types.Tag{{Key: aws.String("Team"), Value: aws.String("a")}}
	})
	if err != nil || first.Version != 1 || first.Tier != types.ParameterTierStandard {
		t.Fatalf("version %+v, %v; want 1, standard", first, err)
	}
	_, err = put(t, client, "/golden/web", "two")
	if got := code(t, err); got != "ParameterAlreadyExists" {
		t.Errorf("a second put without overwrite: %q", got)
	}
	second, err := put(t, client, "/golden/web", "two", overwriting)
	if err != nil || second.Version != 2 {
		t.Errorf("the update is version %+v, %v", second, err)
	}
	now := get(t, client, "/golden/web")
	if *now.Value != "two" || now.Version != 2 || *now.ARN != "arn:aws:ssm:us-east-1:123456789012:parameter/golden/web" || *now.DataType != "text" {
		t.Errorf("it is %s, version %d, %s", *now.Value, now.Version, *now.ARN)
	}
	if n := countLeftovers(server.Lab, "parameter"); n != 1 {
		t.Errorf("%d parameters in the books, want 1", n)
	}
	if _, err := client.DeleteParameter(t.Context(), &ssm.DeleteParameterInput{Name: aws.String("/golden/web")}); err != nil {
		t.Fatal(err)
	}
	_, err = client.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/golden/web")})
	if got := code(t, err); got != "ParameterNotFound" {
		t.Errorf("after the deletion: %q", got)
	}
	if n := countLeftovers(server.Lab, "parameter"); n != 0 {
		t.Errorf("%d parameters in the books after the deletion", n)
	}
}

func TestParameter_refusals(t *testing.T) {
	_, client := store(t)
	secure := func(in *ssm.PutParameterInput) { in.Type = types.ParameterTypeSecureString }
	keyed := func(id string) putting { return func(in *ssm.PutParameterInput) { in.KeyId = &id } }
	matching := func(pattern string) putting { return func(in *ssm.PutParameterInput) { in.AllowedPattern = &pattern } }
	tiered := func(tier types.ParameterTier) putting { return func(in *ssm.PutParameterInput) { in.Tier = tier } }
	tagged := func(in *ssm.PutParameterInput) {
		in.Tags = []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}
	}
	mustPut(t, client, "/advanced", "x", tiered(types.ParameterTierAdvanced))
	for _, test := range []struct {
		name, value, want string
		change            []putting
	}{
		{"/aws/service/mine", "x", "AccessDeniedException", nil},
		{"awsome", "x", "ValidationException", nil},
		{"/SSM/x", "x", "ValidationException", nil},
		{"golden/web", "x", "ValidationException", nil},
		{"/golden web", "x", "ValidationException", nil},
		{strings.Repeat("/a", 16), "x", "HierarchyLevelLimitExceededException", nil},
		{"/" + strings.Repeat("a", 1000), "x", "ValidationException", nil},
		{"/a", strings.Repeat("x", 4097), "ValidationException", nil},
		{"/a", strings.Repeat("x", 8193), "ValidationException", []putting{tiered(types.ParameterTierAdvanced)}},
		{"/a", "{{ssm:other}}", "ValidationException", nil},
		{"/a", "x", "ValidationException", []putting{overwriting, tagged}},
		{"/a", "x", "ValidationException", []putting{keyed("alias/aws/ssm")}},
		{"/a", "x", "InvalidKeyId", []putting{secure, keyed("alias/none")}},
		{"/a", "x", "ParameterPatternMismatchException", []putting{matching("^[0-9]+$")}},
		{"/a", "x", "InvalidAllowedPatternException", []putting{matching("(")}},
		{"/a", "x", "ValidationException", []putting{func(in *ssm.PutParameterInput) { in.Type = "" }}},
		{"/a", "x", "ValidationException", []putting{func(in *ssm.PutParameterInput) { in.Type = "Number" }}},
		{"/a", "x", "ValidationException", []putting{func(in *ssm.PutParameterInput) { in.DataType = aws.String("aws:ec2:Image") }}},
		{"/a", "x", "ValidationException", []putting{secure, anImage}},
		{"/advanced", "x", "ValidationException", []putting{overwriting, tiered(types.ParameterTierStandard)}},
	} {
		_, err := put(t, client, test.name, test.value, test.change...)
		if got := code(t, err); got != test.want {
			t.Errorf("%.20s = %.10s: %q, want %s (%v)", test.name, test.value, got, test.want, err)
		}
	}
}

func TestParameter_tiersKeepWhatTheyAre(t *testing.T) {
	_, client := store(t)
	long := strings.Repeat("x", 4097)
	out, err := put(t, client, "/a", long, func(in *ssm.PutParameterInput) { in.Tier = types.ParameterTierIntelligentTiering })
	if err != nil || out.Tier != types.ParameterTierAdvanced {
		t.Fatalf("a long value is %+v, %v; want advanced", out, err)
	}
	out, err = put(t, client, "/a", "short", overwriting)
	if err != nil || out.Tier != types.ParameterTierAdvanced {
		t.Errorf("an update without a tier is %+v, %v; want still advanced", out, err)
	}
}

// TestParameter_imagesAreLookedUpAfterwards: a wrong image id is answered with success
// and changes nothing.
func TestParameter_imagesAreLookedUpAfterwards(t *testing.T) {
	server, client := store(t)
	machines := ec2.NewFromConfig(config(server.URL, "us-east-1", nil))
	image := baseImage(t, machines, "x86_64")
	for _, value := range []string{"ami-0123456789abcdef0", "nonsense"} {
		mustPut(t, client, "/golden/web", value, anImage)
		_, err := client.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/golden/web")})
		if got := code(t, err); got != "ParameterNotFound" {
			t.Errorf("%s: %q, want no parameter", value, got)
		}
	}
	mustPut(t, client, "/golden/web", image, anImage)
	mustPut(t, client, "/golden/web", "ami-0123456789abcdef0", overwriting)
	if now := get(t, client, "/golden/web"); *now.Value != image || now.Version != 1 || *now.DataType != "aws:ec2:image" {
		t.Errorf("it is %s, version %d of type %s; want %s", *now.Value, now.Version, *now.DataType, image)
	}
}

func TestParameter_secureStrings(t *testing.T) {
	_, client := store(t)
	mustPut(t, client, "/secret", "hush", func(in *ssm.PutParameterInput) { in.Type = types.ParameterTypeSecureString })
	if sealed := get(t, client, "/secret"); strings.Contains(*sealed.Value, "hush") || *sealed.Value == "" {
		t.Errorf("without decryption it is %q", *sealed.Value)
	}
	open, err := client.GetParameters(t.Context(), &ssm.GetParametersInput{
		Names: []string{"/secret", "/none", "/secret:7"}, WithDecryption: aws.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(open.Parameters) != 1 || *open.Parameters[0].Value != "hush" {
		t.Errorf("with decryption: %+v", open.Parameters)
	}
	if diff := cmp.Diff([]string{"/none", "/secret:7"}, open.InvalidParameters); diff != "" {
		t.Errorf("invalid (-want +got):\n%s", diff)
	}
	described, err := client.DescribeParameters(t.Context(), &ssm.DescribeParametersInput{})
	if err != nil || *described.Parameters[0].KeyId != "alias/aws/ssm" {
		t.Errorf("its key: %+v, %v", described, err)
	}
}

func TestParameter_versionsAndLabels(t *testing.T) {
	_, client := store(t)
	for version := range 101 {
		mustPut(t, client, "/v", fmt.Sprint(version+1), overwriting)
	}
	name := aws.String("/v")
	labelled, err := client.LabelParameterVersion(t.Context(), &ssm.LabelParameterVersionInput{
		Name: name, ParameterVersion: aws.Int64(2), Labels: []string{"prod", "1st", "aws-x"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1st", "aws-x"}, labelled.InvalidLabels); diff != "" {
		t.Errorf("invalid labels (-want +got):\n%s", diff)
	}
	for selector, want := range map[string]string{"": "101", ":2": "2", ":prod": "2", ":101": "101"} {
		got := get(t, client, "/v"+selector)
		if *got.Value != want || aws.ToString(got.Selector) != selector {
			t.Errorf("/v%s is %s, selected by %q; want %s", selector, *got.Value, aws.ToString(got.Selector), want)
		}
	}
	_, err = client.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/v:1")})
	if got := code(t, err); got != "ParameterVersionNotFound" {
		t.Errorf("the oldest of 101: %q, want it gone", got)
	}
	_, err = put(t, client, "/v", "102", overwriting)
	if got := code(t, err); got != "ParameterMaxVersionLimitExceeded" {
		t.Errorf("pushing out a labelled version: %q", got)
	}
	if _, err := client.LabelParameterVersion(t.Context(), &ssm.LabelParameterVersionInput{Name: name, Labels: []string{"prod"}}); err != nil {
		t.Fatal(err)
	}
	if got := get(t, client, "/v:prod"); *got.Value != "101" {
		t.Errorf("the moved label is at %s, want 101", *got.Value)
	}
}

func TestParameter_historyInPages(t *testing.T) {
	_, client := store(t)
	for version := range 102 {
		mustPut(t, client, "/v", fmt.Sprint(version+1), overwriting)
	}
	var numbers []int64
	pager := ssm.NewGetParameterHistoryPaginator(client, &ssm.GetParameterHistoryInput{Name: aws.String("/v"), MaxResults: aws.Int32(30)})
	for pager.HasMorePages() {
		page, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, version := range page.Parameters {
			numbers = append(numbers, version.Version)
		}
	}
	if len(numbers) != 100 || numbers[0] != 3 || numbers[99] != 102 || !slices.IsSorted(numbers) {
		t.Errorf("the history has versions %v", numbers)
	}
}

func TestParameter_listsByFilterAndPath(t *testing.T) {
	_, client := store(t)
	for _, name := range []string{"/golden/web", "/golden/api/blue", "/golden/api/green", "plain"} {
		mustPut(t, client, name, "x", func(in *ssm.PutParameterInput) {
			in.Tags = []types.Tag{{Key: aws.String("Name"), Value: &name}}
		})
	}
	by := func(key, option string, values ...string) types.ParameterStringFilter {
		return types.ParameterStringFilter{Key: &key, Option: aws.String(option), Values: values}
	}
	for _, test := range []struct {
		filter types.ParameterStringFilter
		want   []string
	}{
		{by("Name", "Equals", "/golden/web", "plain"), []string{"/golden/web", "plain"}},
		{by("Name", "BeginsWith", "/golden/a"), []string{"/golden/api/blue", "/golden/api/green"}},
		{by("Name", "Contains", "e/"), nil},
		{by("Path", "OneLevel", "/golden"), []string{"/golden/web"}},
		{by("Path", "Recursive", "/golden"), []string{"/golden/api/blue", "/golden/api/green", "/golden/web"}},
		{by("tag:Name", "Equals", "plain"), []string{"plain"}},
		{by("Type", "Equals", "SecureString"), nil},
	} {
		out, err := client.DescribeParameters(t.Context(), &ssm.DescribeParametersInput{ParameterFilters: []types.ParameterStringFilter{test.filter}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, found := range out.Parameters {
			got = append(got, *found.Name)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", *test.filter.Key, *test.filter.Option, diff)
		}
	}
	for want, filter := range map[string]types.ParameterStringFilter{
		"InvalidFilterKey": by("Label", "Equals", "x"), "InvalidFilterOption": by("Name", "Recursive", "x"), "ValidationException": by("Colour", "Equals", "x"),
	} {
		_, err := client.DescribeParameters(t.Context(), &ssm.DescribeParametersInput{ParameterFilters: []types.ParameterStringFilter{filter}})
		if got := code(t, err); got != want {
			t.Errorf("%s: %q, want %s", *filter.Key, got, want)
		}
	}
	below, err := client.GetParametersByPath(t.Context(), &ssm.GetParametersByPathInput{Path: aws.String("/golden/api/"), MaxResults: aws.Int32(1)})
	if err != nil || len(below.Parameters) != 1 || below.NextToken == nil {
		t.Errorf("the first of two by path: %+v, %v", below, err)
	}
	_, err = client.GetParametersByPath(t.Context(), &ssm.GetParametersByPathInput{Path: aws.String("/golden"), MaxResults: aws.Int32(11)})
	if got := code(t, err); got != "ValidationException" {
		t.Errorf("a page of eleven: %q", got)
	}
}

func TestParameter_tags(t *testing.T) {
	server, client := store(t)
	mustPut(t, client, "/a", "x")
	kind, id := types.ResourceTypeForTaggingParameter, aws.String("/a")
	_, err := client.AddTagsToResource(t.Context(), &ssm.AddTagsToResourceInput{ResourceType: kind, ResourceId: id, Tags: []types.Tag{
		{Key: aws.String("one"), Value: aws.String("1")}, {Key: aws.String("two"), Value: aws.String("2")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.RemoveTagsFromResource(t.Context(), &ssm.RemoveTagsFromResourceInput{ResourceType: kind, ResourceId: id, TagKeys: []string{"one", "none"}})
	if err != nil {
		t.Fatal(err)
	}
	listed, err := client.ListTagsForResource(t.Context(), &ssm.ListTagsForResourceInput{ResourceType: kind, ResourceId: id})
	if err != nil || len(listed.TagList) != 1 || *listed.TagList[0].Key != "two" {
		t.Errorf("tags %+v, %v; want two", listed, err)
	}
	if left := server.Lab.Books().Leftovers; len(left) != 1 || left[0].Tags["two"] != "2" {
		t.Errorf("in the books: %+v", left)
	}
	_, err = client.ListTagsForResource(t.Context(), &ssm.ListTagsForResourceInput{ResourceType: kind, ResourceId: aws.String("/none")})
	if got := code(t, err); got != "InvalidResourceId" {
		t.Errorf("tags of nothing: %q", got)
	}
}

func TestParameter_publicOnesAreReadOnly(t *testing.T) {
	_, client := store(t)
	name := "/aws/service/debian/release/12/latest/amd64"
	if got := get(t, client, name+":1"); got.Version != 1 {
		t.Errorf("its first version is %d", got.Version)
	}
	_, err := put(t, client, name, "x", overwriting)
	if got := code(t, err); got != "AccessDeniedException" {
		t.Errorf("overwriting: %q", got)
	}
	out, err := client.DeleteParameters(t.Context(), &ssm.DeleteParametersInput{Names: []string{name, "/none"}})
	if err != nil || len(out.InvalidParameters) != 2 || len(out.DeletedParameters) != 0 {
		t.Errorf("deleting: %+v, %v", out, err)
	}
	get(t, client, name)
}
