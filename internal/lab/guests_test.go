package lab_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// bubble runs a test inside a bubble, on a lab with scripted guests.
func bubble(t *testing.T, host guests.Host, test func(t *testing.T, inside *lab.Lab, client *ec2.Client)) {
	t.Helper()
	inWeather(t, lab.Options{Guests: host}, test)
}

// inWeather runs a test inside a bubble, with an EC2 client for us-east-1.
func inWeather(t *testing.T, options lab.Options, test func(t *testing.T, inside *lab.Lab, client *ec2.Client)) {
	t.Helper()
	labtest.Bubble(t, options, func(t *testing.T, inside *lab.Lab, client *http.Client) {
		test(t, inside, ec2.NewFromConfig(config(labtest.Endpoint, "us-east-1", client)))
	})
}

func consoleOf(t *testing.T, client *ec2.Client, id string) string {
	t.Helper()
	out, err := client.GetConsoleOutput(t.Context(), &ec2.GetConsoleOutputInput{InstanceId: &id, Latest: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	return decoded(t, out.Output)
}

func decoded(t *testing.T, output *string) string {
	t.Helper()
	text, err := base64.StdEncoding.DecodeString(aws.ToString(output))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// aBuilder prints its user data, works for a minute and switches itself off.
func aBuilder() *guests.Scripted {
	return &guests.Scripted{Boot: func(spec guests.Spec, m *guests.Machine) {
		fmt.Fprintf(m.Console, "%s on %d layers\n", spec.UserData, len(m.Layers))
		select {
		case <-m.Context().Done():
		case <-time.After(time.Minute):
			m.PowerOff()
		}
	}}
}

func withUserData(text, behavior string) launching {
	return func(in *ec2.RunInstancesInput) {
		in.UserData = aws.String(base64.StdEncoding.EncodeToString([]byte(text)))
		in.InstanceInitiatedShutdownBehavior = types.ShutdownBehavior(behavior)
	}
}

func TestGuest_powersItselfOff(t *testing.T) {
	for behavior, want := range map[string]types.InstanceStateName{
		"stop": types.InstanceStateNameStopped, "terminate": types.InstanceStateNameTerminated,
	} {
		t.Run(behavior, func(t *testing.T) {
			bubble(t, aBuilder(), func(t *testing.T, _ *lab.Lab, client *ec2.Client) {
				id := *launch(t, client, 1, withUserData("bake", behavior))[0].InstanceId
				<-time.After(30 * time.Second)
				if got := describe(t, client, id)[0].State.Name; got != types.InstanceStateNameRunning {
					t.Errorf("half way it is %s, want running", got)
				}
				<-time.After(time.Minute)
				ended := describe(t, client, id)[0]
				if ended.State.Name != want || *ended.StateReason.Code != "Client.InstanceInitiatedShutdown" {
					t.Errorf("it is %s for %s, want %s by itself", ended.State.Name, *ended.StateReason.Code, want)
				}
				if text := consoleOf(t, client, id); text != "bake on 0 layers\n" {
					t.Errorf("the console says %q", text)
				}
			})
		})
	}
}

func TestGuest_imageIsItsLayer(t *testing.T) {
	bubble(t, aBuilder(), func(t *testing.T, _ *lab.Lab, client *ec2.Client) {
		builder := *launch(t, client, 1, withUserData("bake", "stop"))[0].InstanceId
		<-time.After(2 * time.Minute)
		made, err := client.CreateImage(t.Context(), &ec2.CreateImageInput{InstanceId: &builder, Name: aws.String("web-v1")})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		proof := *launch(t, client, 1, withUserData("prove", "stop"), func(in *ec2.RunInstancesInput) {
			in.ImageId = made.ImageId
		})[0].InstanceId
		synctest.Wait()
		if text := consoleOf(t, client, proof); text != "prove on 1 layers\n" {
			t.Errorf("the console says %q", text)
		}
	})
}

func TestGuest_captureRestartsARunningOne(t *testing.T) {
	boots := make(chan string, 10)
	host := &guests.Scripted{Boot: func(spec guests.Spec, _ *guests.Machine) { boots <- spec.InstanceID }}
	bubble(t, host, func(t *testing.T, _ *lab.Lab, client *ec2.Client) {
		id := launch(t, client, 1)[0].InstanceId
		describe(t, client)
		for _, noReboot := range []bool{false, true} {
			_, err := client.CreateImage(t.Context(), &ec2.CreateImageInput{
				InstanceId: id, Name: aws.String(fmt.Sprintf("no-reboot-%t", noReboot)), NoReboot: &noReboot,
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if len(boots) != 2 {
			t.Errorf("%d boots, want the launch's and one after the capture", len(boots))
		}
		images := ownImages(t, client)
		if images[0].State != types.ImageStateAvailable {
			t.Errorf("the capture with a reboot is %s", images[0].State)
		}
		if images[1].State != types.ImageStateAvailable {
			t.Errorf("the capture without one is %s", images[1].State)
		}
	})
}

// fullDisk is a host whose guests cannot be frozen, nor started when refuse is set.
type fullDisk struct {
	guests.Host
	refuse bool
}

var errDisk = errors.New("no space left on device")

func (h fullDisk) Start(spec guests.Spec) (guests.Guest, error) {
	if h.refuse {
		return nil, errDisk
	}
	guest, err := h.Host.Start(spec)
	return noFreeze{guest}, err
}

type noFreeze struct{ guests.Guest }

func (noFreeze) Freeze() (guests.Layer, error) { return guests.Layer{}, errDisk }

func TestGuest_captureFails(t *testing.T) {
	bubble(t, fullDisk{Host: &guests.Scripted{}}, func(t *testing.T, _ *lab.Lab, client *ec2.Client) {
		capture(t, client, "web-v1")
		synctest.Wait()
		image, snapshot := ownImages(t, client)[0], ownSnapshots(t, client)[0]
		if image.State != types.ImageStateFailed || !strings.Contains(*image.StateReason.Message, errDisk.Error()) {
			t.Errorf("the image is %s, want failed, with the guest's reason", image.State)
		}
		if snapshot.State != types.SnapshotStateError {
			t.Errorf("the snapshot is %s, want error", snapshot.State)
		}
	})
}

func TestGuest_doesNotStart(t *testing.T) {
	bubble(t, fullDisk{Host: &guests.Scripted{}, refuse: true}, func(t *testing.T, _ *lab.Lab, client *ec2.Client) {
		id := *launch(t, client, 1)[0].InstanceId
		synctest.Wait()
		ended := describe(t, client, id)[0]
		if ended.State.Name != types.InstanceStateNameTerminated || *ended.StateReason.Code != "Server.InternalError" {
			t.Errorf("it is %s, want terminated by AWS", ended.State.Name)
		}
		if text := consoleOf(t, client, id); !strings.Contains(text, errDisk.Error()) {
			t.Errorf("the console says %q, want the reason", text)
		}
	})
}

func TestGuest_stopAndStart(t *testing.T) {
	boots := make(chan string, 10)
	host := &guests.Scripted{Boot: func(spec guests.Spec, m *guests.Machine) {
		boots <- spec.InstanceID
		<-m.Context().Done()
	}}
	bubble(t, host, func(t *testing.T, inside *lab.Lab, client *ec2.Client) {
		id := *launch(t, client, 1)[0].InstanceId
		public := aws.ToString(describe(t, client, id)[0].PublicIpAddress)
		if _, err := client.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		stopped := describe(t, client, id)[0]
		if stopped.State.Name != types.InstanceStateNameStopped || stopped.PublicIpAddress != nil {
			t.Errorf("it is %s with address %v, want stopped without", stopped.State.Name, stopped.PublicIpAddress)
		}
		if _, _, err := inside.Run(t.Context(), id, "true"); err == nil {
			t.Error("a script ran in a stopped instance")
		}
		if _, err := client.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{id}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(boots) != 2 {
			t.Errorf("%d boots, want 2", len(boots))
		}
		if again := aws.ToString(describe(t, client, id)[0].PublicIpAddress); again == "" || again == public {
			t.Errorf("the public address is %q, was %q; want another", again, public)
		}
	})
}

func TestRun_isTheGuestsOwn(t *testing.T) {
	host := &guests.Scripted{
		Command: func(_ context.Context, spec guests.Spec, _ *guests.Machine, script string) (string, int, error) {
			return spec.Hostname + ": " + script, 3, nil
		},
	}
	bubble(t, host, func(t *testing.T, inside *lab.Lab, client *ec2.Client) {
		id := *launch(t, client, 1)[0].InstanceId
		output, exitCode, err := inside.Run(t.Context(), id, "hostname")
		if err != nil || exitCode != 3 || output != "ip-172-31-0-4: hostname" {
			t.Errorf("Run: %q, %d, %v", output, exitCode, err)
		}
	})
}

func TestGuests_off(t *testing.T) {
	_, client := start(t, lab.Options{Guests: guests.None("this is a test")})
	id := *launch(t, client, 1)[0].InstanceId
	text := consoleOf(t, client, id)
	if strings.Count(text, "\n") != 1 || !strings.Contains(text, "nothing runs") || !strings.Contains(text, "this is a test") {
		t.Errorf("the console says %q, want one line with the reason", text)
	}
}

// TestMetadata asks the service as a guest would, through the handler it is given.
func TestMetadata(t *testing.T) {
	specs := make(chan guests.Spec, 1)
	host := &guests.Scripted{Boot: func(spec guests.Spec, _ *guests.Machine) { specs <- spec }}
	_, client := start(t, lab.Options{Guests: host})
	made := launch(t, client, 1, withUserData("#!/bin/sh\n", "stop"), func(in *ec2.RunInstancesInput) {
		in.MetadataOptions = &types.InstanceMetadataOptionsRequest{InstanceMetadataTags: types.InstanceMetadataTagsStateEnabled}
		in.TagSpecifications = []types.TagSpecification{{
			ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{{Key: aws.String("Role"), Value: aws.String("leader")}},
		}}
	})[0]
	ask := asGuest(t, (<-specs).Metadata)

	if status, _ := ask(http.MethodGet, "/latest/meta-data/instance-id", nil); status != http.StatusUnauthorized {
		t.Errorf("without a token: %d, want 401, since the image asks for IMDSv2", status)
	}
	if status, _ := ask(http.MethodPut, "/latest/api/token", nil); status != http.StatusBadRequest {
		t.Errorf("a token without a TTL: %d, want 400", status)
	}
	_, token := ask(http.MethodPut, "/latest/api/token", map[string]string{"X-aws-ec2-metadata-token-ttl-seconds": "60"})
	for path, want := range map[string]string{
		"meta-data/instance-id":                 *made.InstanceId,
		"meta-data/ami-launch-index":            "0",
		"meta-data/local-ipv4":                  *made.PrivateIpAddress,
		"meta-data/placement/region":            "us-east-1",
		"meta-data/tags/instance/Role":          "leader",
		"meta-data/tags/instance/":              "Role",
		"meta-data/placement":                   "availability-zone\navailability-zone-id\nregion",
		"user-data":                             "#!/bin/sh\n",
		"dynamic/instance-identity/":            "document",
		"meta-data/block-device-mapping/root":   "/dev/xvda",
		"meta-data/there-is-nothing-like-this/": "",
	} {
		_, got := ask(http.MethodGet, "/latest/"+path, map[string]string{"X-aws-ec2-metadata-token": token})
		if got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

// asGuest returns a function that asks a metadata service.
func asGuest(t *testing.T, service http.Handler) func(method, path string, headers map[string]string) (status int, body string) {
	t.Helper()
	return func(method, path string, headers map[string]string) (int, string) {
		request := httptest.NewRequestWithContext(t.Context(), method, "http://169.254.169.254"+path, nil)
		for name, value := range headers {
			request.Header.Set(name, value)
		}
		recorder := httptest.NewRecorder()
		service.ServeHTTP(recorder, request)
		body, err := io.ReadAll(recorder.Body)
		if err != nil {
			t.Fatal(err)
		}
		return recorder.Code, string(body)
	}
}
