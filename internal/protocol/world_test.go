package protocol

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/provider"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// schemas are the provider's, which are the same in every world.
var schemas = sync.OnceValues(func() (*tfprotov6.GetProviderSchemaResponse, error) {
	server := provider.NewServer("test")()
	return server.GetProviderSchema(context.Background(), &tfprotov6.GetProviderSchemaRequest{})
})

// schemaOf is the schema of a resource or, with "data." before it, of a data source.
func schemaOf(t testing.TB, typeName string) *tfprotov6.Schema {
	t.Helper()
	all, err := schemas()
	if err != nil {
		t.Fatal(err)
	}
	found := all.ResourceSchemas[typeName]
	if name, isData := strings.CutPrefix(typeName, "data."); isData {
		found = all.DataSourceSchemas[name]
	}
	if found == nil || len(found.Block.BlockTypes) > 0 {
		t.Fatalf("no schema of %s, or one with blocks, which this test does not know", typeName)
	}
	return found
}

// world is an account, and the directory that Terraform runs in.
type world struct {
	t      testing.TB
	lab    *lab.Lab
	client *http.Client
	ec2    *ec2.Client
	ssm    *ssm.Client
	dir    string
	// names are the values that configurations say by name, like "@subnet0".
	names map[string]string
	// published counts the source images of the account's own.
	published int
}

// inWorld plays in a world of its own, in virtual time. What is wrong is returned, so that
// rapid can look for a smaller example.
func inWorld(t *testing.T, play func(w *world) []string) (faults []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		inside, err := lab.New(lab.Options{Guests: rehearsal.Inside{}.Host()})
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, lab: inside, client: labtest.InBubble(t, inside), dir: t.TempDir(), names: map[string]string{}}
		w.furnish()
		faults = play(w)
	})
	return faults
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// furnish puts into the account what configurations speak of.
func (w *world) furnish() {
	ctx := w.t.Context()
	login := credentials.NewStaticCredentialsProvider("lab", "lab", "")
	w.ec2 = ec2.New(ec2.Options{Region: "us-east-1", BaseEndpoint: aws.String(labtest.Endpoint), HTTPClient: w.client, Credentials: login})
	w.ssm = ssm.New(ssm.Options{Region: "us-east-1", BaseEndpoint: aws.String(labtest.Endpoint), HTTPClient: w.client, Credentials: login})
	base, err := w.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(rehearsal.BaseImage)})
	w.must(err)
	w.names["@ami"] = *base.Parameter.Value
	subnets, err := w.ec2.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{})
	w.must(err)
	for i, subnet := range subnets.Subnets {
		w.names[fmt.Sprintf("@subnet%d", i)] = *subnet.SubnetId
		w.names[fmt.Sprintf("@ip%d", i)] = strings.TrimSuffix(*subnet.CidrBlock, "0/20") + "77"
	}
	groups, err := w.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{})
	w.must(err)
	w.names["@sg0"] = *groups.SecurityGroups[0].GroupId
	made, err := w.ec2.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{
		GroupName: aws.String("other"), Description: aws.String("other"), VpcId: subnets.Subnets[0].VpcId,
	})
	w.must(err)
	w.names["@sg1"] = *made.GroupId
	_, err = w.ec2.ImportKeyPair(ctx, &ec2.ImportKeyPairInput{KeyName: aws.String("k"), PublicKeyMaterial: []byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGdvbGRlbmtleWdvbGRlbmtleWdvbGRlbmtleWdvbGRl k")})
	w.must(err)
	balancing := elb.New(elb.Options{Region: "us-east-1", BaseEndpoint: aws.String(labtest.Endpoint), HTTPClient: w.client, Credentials: login})
	for i := range 2 {
		group, err := balancing.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{
			Name: aws.String(fmt.Sprintf("tg%d", i)), Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(80),
			VpcId: subnets.Subnets[0].VpcId, TargetType: elbtypes.TargetTypeEnumInstance,
		})
		w.must(err)
		w.names[fmt.Sprintf("@tg%d", i)] = *group.TargetGroups[0].TargetGroupArn
	}
	w.publish()
	w.write("file", "one")
	w.must(os.Mkdir(filepath.Join(w.dir, "d"), 0o700))
	w.write("d/a", "a")
	w.names["@file"], w.names["@dir"] = filepath.Join(w.dir, "file"), filepath.Join(w.dir, "d")
}

func (w *world) write(name, content string) {
	w.must(os.WriteFile(filepath.Join(w.dir, filepath.FromSlash(name)), []byte(content), 0o600))
}

func (w *world) remove(name string) {
	if err := os.Remove(filepath.Join(w.dir, filepath.FromSlash(name))); err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
}

// publish brings out a newer source image.
func (w *world) publish() {
	w.published++
	copied, err := w.ec2.CopyImage(w.t.Context(), &ec2.CopyImageInput{
		Name: aws.String(fmt.Sprintf("base-%d", w.published)), SourceImageId: aws.String(w.names["@ami"]), SourceRegion: aws.String("us-east-1"),
	})
	w.must(err)
	if _, named := w.names["@ami2"]; !named {
		w.names["@ami2"] = *copied.ImageId
	}
	_, err = w.ssm.PutParameter(w.t.Context(), &ssm.PutParameterInput{
		Name: aws.String("/base"), Value: copied.ImageId, Type: ssmtypes.ParameterTypeString, Overwrite: aws.Bool(true),
	})
	w.must(err)
}

// named puts the account's values into a configuration that says them by name.
func (w *world) named(value any) any {
	switch value := value.(type) {
	case string:
		if name, ok := w.names[value]; ok {
			return name
		}
	case []any:
		for i, element := range value {
			value[i] = w.named(element)
		}
	case map[string]any:
		for key, element := range value {
			value[key] = w.named(element)
		}
	}
	return value
}

// config is a configuration with the account's names in it, as core decodes it.
func (w *world) config(c *core, config map[string]any) map[string]any {
	value, err := encode(c.typ, w.named(clone(config)))
	w.must(err)
	named, ok := decode(value).(map[string]any)
	if !ok {
		w.t.Fatalf("%v is no object", config)
	}
	return named
}

// start starts the provider and configures it.
func (w *world) start() tfprotov6.ProviderServer {
	w.t.Helper()
	server, diagnostics := w.startWith(nil)
	for _, d := range diagnostics {
		w.t.Fatalf("configuring the provider: %s: %s", d.Summary, d.Detail)
	}
	return server
}

// startWith starts the provider with some attributes of its block changed.
func (w *world) startWith(changes map[string]any) (tfprotov6.ProviderServer, []*tfprotov6.Diagnostic) {
	w.t.Helper()
	server := provider.NewServer("test", provider.WithHTTPClient(w.client))()
	all, err := schemas()
	w.must(err)
	typ := all.Provider.ValueType()
	block := map[string]any{
		"region": "us-east-1", "access_key": "lab", "secret_key": "lab", "endpoints": []any{map[string]any{
			"ec2": labtest.Endpoint, "elbv2": labtest.Endpoint, "s3": labtest.Endpoint, "ssm": labtest.Endpoint, "sts": labtest.Endpoint,
		}},
		"assume_role": []any{}, "assume_role_with_web_identity": []any{}, "default_tags": []any{},
	}
	maps.Copy(block, changes)
	value, err := encode(typ, clone(block))
	w.must(err)
	config, err := tfprotov6.NewDynamicValue(typ, value)
	w.must(err)
	validated, err := server.ValidateProviderConfig(w.t.Context(), &tfprotov6.ValidateProviderConfigRequest{Config: &config})
	w.must(err)
	if failed(validated.Diagnostics) {
		return nil, validated.Diagnostics
	}
	configured, err := server.ConfigureProvider(w.t.Context(), &tfprotov6.ConfigureProviderRequest{TerraformVersion: "1.11.0", Config: &config})
	w.must(err)
	return server, append(validated.Diagnostics, configured.Diagnostics...)
}

// core is a Terraform with one resource in this world.
func (w *world) core(typeName string) *core {
	schema := schemaOf(w.t, typeName)
	return &core{ctx: w.t.Context(), typeName: typeName, schema: schema, typ: schema.ValueType(), start: w.start}
}
