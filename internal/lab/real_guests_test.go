package lab_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
)

// realLab is a lab with real guests; where there cannot be any, the test is skipped.
func realLab(t *testing.T) (*lab.Lab, *ec2.Client) {
	t.Helper()
	host := guests.Auto(t.Context(), t.TempDir())
	if running, reason := host.Status(); !running {
		t.Skip(reason)
	}
	server, client := start(t, lab.Options{Guests: host})
	return server.Lab, client
}

// await asks, some times a second, until the answer is yes.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("it never came to this: %s", what)
		}
	}
}

func inside(t *testing.T, in *lab.Lab, id, script string) string {
	t.Helper()
	output, code, err := in.Run(t.Context(), id, script)
	if err != nil || code != 0 {
		t.Fatalf("%s in %s: exit code %d, %v\n%s", script, id, code, err, output)
	}
	return strings.TrimSpace(output)
}

// bakeWithReboot installs, reboots of its own accord, goes on and powers off.
const bakeWithReboot = `#!/bin/sh
cat > /var/lib/cloud/scripts/per-boot/bake <<'EOF'
#!/bin/sh
echo "part two after $(cat /opt/parts)"
echo two >> /opt/parts
rm /var/lib/cloud/scripts/per-boot/bake
rm -f /etc/ssh/ssh_host_*; : > /etc/machine-id
cloud-init clean --logs
shutdown -h now
sleep 100
EOF
chmod 755 /var/lib/cloud/scripts/per-boot/bake
echo one >> /opt/parts
shutdown -r now
sleep 100
`

// TestRealGuests_bakeAndStamp bakes an image in two boots and stamps two servers from
// it, with the slots that the provider's own user data gives them.
func TestRealGuests_bakeAndStamp(t *testing.T) {
	cloud, client := realLab(t)
	builder := *launch(t, client, 1, withUserData(bakeWithReboot, "stop"))[0].InstanceId
	var seen []types.InstanceStateName
	await(t, "the builder stops", func() bool {
		state := describe(t, client, builder)[0].State.Name
		if len(seen) == 0 || seen[len(seen)-1] != state {
			seen = append(seen, state)
		}
		return state == types.InstanceStateNameStopped
	})
	if text := consoleOf(t, client, builder); strings.Count(text, "Restarting system") != 1 || !strings.Contains(text, "part two after one\r\n") {
		t.Fatalf("the builder's console says\n%s", text)
	}
	if count := strings.Count(fmt.Sprint(seen), "running"); count > 1 || len(seen) > 4 {
		t.Errorf("a reboot is not seen from outside, but the builder was %v", seen)
	}

	made, err := client.CreateImage(t.Context(), &ec2.CreateImageInput{InstanceId: &builder, Name: aws.String("web-v1")})
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the image is available", func() bool { return ownImages(t, client)[0].State == types.ImageStateAvailable })
	preamble := guest.Preamble{Fleet: "web", Hostname: "web-%03d", Slots: []int{7, 8}, Environments: map[int]map[string]string{8: {"ROLE": "spare"}}}
	userData, err := preamble.UserData([]byte("#!/bin/sh\necho \"I am $STAMP_HOSTNAME, $ROLE\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	servers := idsOf(launch(t, client, 2, from(*made.ImageId), func(in *ec2.RunInstancesInput) {
		in.UserData = aws.String(base64.StdEncoding.EncodeToString(userData))
		in.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: aws.String("web")}
	}))
	var got []string
	for _, id := range servers {
		got = append(got, inside(t, cloud, id, "cloud-init status --wait >/dev/null; cat /opt/parts; hostname; grep '^I am' /var/log/cloud-init-output.log"))
	}
	want := []string{"one\ntwo\nweb-007\nI am web-007,", "one\ntwo\nweb-008\nI am web-008, spare"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("inside the servers (-want +got):\n%s", diff)
	}
	checkRealMetadata(t, cloud, servers[1])
	checkRealStates(t, cloud, client, servers[0])
}

// checkRealMetadata asks the metadata service from inside, as programs do.
func checkRealMetadata(t *testing.T, cloud *lab.Lab, id string) {
	t.Helper()
	const ask = `token=$(curl -sf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)
for path in instance-id ami-launch-index instance-life-cycle placement/region iam/security-credentials/; do
	curl -sf -H "X-aws-ec2-metadata-token: $token" http://169.254.169.254/latest/meta-data/$path && echo
done
curl -s -o /dev/null -w '%{http_code}\n' http://169.254.169.254/latest/meta-data/instance-id
curl -sf -H "X-aws-ec2-metadata-token: $token" http://169.254.169.254/latest/dynamic/instance-identity/document`
	if _, code, err := cloud.Run(t.Context(), id, "command -v curl"); code != 0 || err != nil {
		t.Log("this machine has no curl for its guests to ask with")
		return
	}
	answer := inside(t, cloud, id, ask)
	plain, identity, _ := strings.Cut(answer, "{")
	// A base image from before IMDSv2 became the default would answer the question
	// without a token; this one refuses it.
	if want := id + "\n1\non-demand\nus-east-1\nweb\n401\n"; plain != want {
		t.Errorf("the service says %q, want %q", plain, want)
	}
	var document struct{ InstanceID, Region string }
	if err := json.Unmarshal([]byte("{"+identity), &document); err != nil || document.InstanceID != id {
		t.Errorf("the identity document is %s, %v", identity, err)
	}
}

// checkRealStates reboots, stops, starts and terminates one.
func checkRealStates(t *testing.T, cloud *lab.Lab, client *ec2.Client, id string) {
	t.Helper()
	inside(t, cloud, id, "echo kept > /root/kept; touch /run/gone")
	if _, err := client.RebootInstances(t.Context(), &ec2.RebootInstancesInput{InstanceIds: []string{id}}); err != nil {
		t.Fatal(err)
	}
	if got := inside(t, cloud, id, "cat /root/kept; test -e /run/gone || echo booted"); got != "kept\nbooted" {
		t.Errorf("after a reboot: %q", got)
	}
	if _, err := client.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}}); err != nil {
		t.Fatal(err)
	}
	await(t, "it stops", func() bool { return describe(t, client, id)[0].State.Name == types.InstanceStateNameStopped })
	if _, _, err := cloud.Run(t.Context(), id, "true"); err == nil {
		t.Error("a command ran in a stopped instance")
	}
	if _, err := client.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{id}}); err != nil {
		t.Fatal(err)
	}
	if got := inside(t, cloud, id, "cat /root/kept"); got != "kept" {
		t.Errorf("after stop and start the disk has %q", got)
	}
	if _, err := client.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := cloud.Run(t.Context(), id, "true"); err == nil {
		t.Error("a command ran in a terminated instance")
	}
}
