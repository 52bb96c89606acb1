package lab_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// browse makes a request as a browser would: with nothing but its URL.
func browse(t *testing.T, client *http.Client, method, url, body string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func lasting(span time.Duration) func(*s3.PresignOptions) { return s3.WithPresignExpires(span) }

func TestPresigned_isValidForItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inside, err := lab.New(lab.Options{})
		if err != nil {
			t.Fatal(err)
		}
		browser := labtest.InBubble(t, inside)
		client := s3.NewFromConfig(config(labtest.Endpoint, "us-east-1", browser), func(o *s3.Options) { o.UsePathStyle = true })
		if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("staging")}); err != nil {
			t.Fatal(err)
		}
		signer := s3.NewPresignClient(client)
		bucket, key := aws.String("staging"), aws.String("app tar.gz")
		upload, err := signer.PresignPutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: key}, lasting(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		if status, answer := browse(t, browser, http.MethodPut, upload.URL, "content"); status != http.StatusOK {
			t.Fatalf("the upload: %d %s", status, answer)
		}
		download, err := signer.PresignGetObject(t.Context(), &s3.GetObjectInput{
			Bucket: bucket, Key: key, ResponseContentType: aws.String("text/plain"),
		}, lasting(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if status, answer := browse(t, browser, http.MethodGet, download.URL, ""); status != http.StatusOK || answer != "content" {
			t.Errorf("the download: %d %s", status, answer)
		}
		<-time.After(59 * time.Minute)
		if status, answer := browse(t, browser, http.MethodGet, download.URL, ""); status != http.StatusOK {
			t.Errorf("within the hour: %d %s", status, answer)
		}
		<-time.After(2 * time.Minute)
		for method, url := range map[string]string{http.MethodGet: download.URL, http.MethodPut: upload.URL} {
			status, answer := browse(t, browser, method, url, "")
			if status != http.StatusForbidden || !strings.Contains(answer, "<Code>AccessDenied</Code><Message>Request has expired</Message>") {
				t.Errorf("%s after its time: %d %s", method, status, answer)
			}
		}
		broken := strings.Replace(download.URL, "X-Amz-Expires=3600", "X-Amz-Expires=604801", 1)
		if status, answer := browse(t, browser, http.MethodGet, broken, ""); status != http.StatusBadRequest || !strings.Contains(answer, "AuthorizationQueryParametersError") {
			t.Errorf("for more than a week: %d %s", status, answer)
		}
	})
}

// TestPresigned_olderForm: the AWS CLI still makes such URLs for us-east-1.
func TestPresigned_olderForm(t *testing.T) {
	server, client := shelf(t)
	store3(t, client, "k", "content")
	for expires, want := range map[string]int{"4102444800": http.StatusOK, "1000000000": http.StatusForbidden} {
		status, answer := browse(t, http.DefaultClient, http.MethodGet, server.URL+"/staging/k?AWSAccessKeyId=lab&Signature=x&Expires="+expires, "")
		if status != want {
			t.Errorf("until %s: %d %s", expires, status, answer)
		}
	}
}

func TestCommand_outputGoesToTheBucket(t *testing.T) {
	open(t, obedient, func(t *testing.T, s shop) {
		options := s.agents.Options()
		shelf := s3.New(s3.Options{
			BaseEndpoint: options.BaseEndpoint, Region: "us-east-1", Credentials: options.Credentials, HTTPClient: options.HTTPClient, UsePathStyle: true,
		})
		bucket := aws.String("output")
		if _, err := shelf.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket}); err != nil {
			t.Fatal(err)
		}
		id := s.staff(t, 1)[0]
		command := s.send(t, []string{id}, "hello", func(in *ssm.SendCommandInput) {
			in.OutputS3BucketName, in.OutputS3KeyPrefix = bucket, aws.String("bakes")
		})
		s.invocation(t, command, id)
		synctest.Wait()
		key := "bakes/" + command + "/" + id + "/awsrunShellScript/0.awsrunShellScript/stdout"
		out, err := shelf.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: &key})
		if err != nil {
			t.Fatal(err)
		}
		defer out.Body.Close()
		if text, err := io.ReadAll(out.Body); err != nil || string(text) != "hello\n" {
			t.Errorf("the bucket has %q, %v", text, err)
		}
		if got := s.invocation(t, command, id); *got.StandardOutputUrl != "https://s3.us-east-1.amazonaws.com/output/"+key {
			t.Errorf("it is said to be at %s", *got.StandardOutputUrl)
		}
	})
}

// TestCommand_inARealGuest runs a command that fetches a presigned URL, in a guest
// where there are some.
func TestCommand_inARealGuest(t *testing.T) {
	host, err := guests.NewReal(t.Context(), t.TempDir())
	if err != nil {
		t.Skip(err)
	}
	server, machines := start(t, lab.Options{Guests: host})
	shared := config(server.URL, "us-east-1", nil)
	s := shop{lab: server.Lab, machines: machines, agents: ssm.NewFromConfig(shared)}
	shelf := s3.NewFromConfig(shared)
	if _, err := shelf.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("staging")}); err != nil {
		t.Fatal(err)
	}
	store3(t, shelf, "app.sh", "echo from the bucket")
	url, err := s3.NewPresignClient(shelf).PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("staging"), Key: aws.String("app.sh")})
	if err != nil {
		t.Fatal(err)
	}
	id := s.staff(t, 1)[0]
	script := "#!/bin/bash\ncurl -fsS '" + url.URL + "' | sh\npwd\necho ${HOME-homeless} >&2\nexit 4"
	command := s.send(t, []string{id}, script)
	stuck := s.send(t, []string{id}, "echo begun\nsleep 1000 & sleep 1000", func(in *ssm.SendCommandInput) { in.Parameters["executionTimeout"] = []string{"1"} })
	astray := s.send(t, []string{id}, "true", func(in *ssm.SendCommandInput) { in.Parameters["workingDirectory"] = []string{"/none"} })

	got := s.await(t, command, id)
	if *got.StandardOutputContent != "from the bucket\n/usr/bin\n" || *got.StandardErrorContent != "homeless\nfailed to run commands: exit status 4" || got.ResponseCode != 4 {
		t.Errorf("it said %q and %q, code %d", *got.StandardOutputContent, *got.StandardErrorContent, got.ResponseCode)
	}
	if got := s.await(t, stuck, id); *got.StatusDetails != "ExecutionTimedOut" {
		t.Errorf("the stuck one is %s", *got.StatusDetails)
	}
	if got := s.await(t, astray, id); got.ResponseCode != 1 || !strings.Contains(*got.StandardErrorContent, "no such file or directory") {
		t.Errorf("the astray one ended with %d and said %q", got.ResponseCode, *got.StandardErrorContent)
	}
	status, _ := browse(t, http.DefaultClient, http.MethodGet, server.URL+"/_lab/books", "")
	output, code, err := server.Lab.Run(t.Context(), id, "curl -s -o /dev/null -w '%{http_code}' '"+server.URL+"/_lab/books'")
	if err != nil || code != 0 || status != http.StatusOK || output == "200" {
		t.Errorf("the door answers %d outside and %s inside (%d, %v)", status, output, code, err)
	}
}

// await waits until an invocation is over.
func (s shop) await(t *testing.T, command, id string) *ssm.GetCommandInvocationOutput {
	t.Helper()
	waiter := ssm.NewCommandExecutedWaiter(s.agents, func(o *ssm.CommandExecutedWaiterOptions) {
		o.MinDelay, o.MaxDelay = 20*time.Millisecond, 200*time.Millisecond
	})
	// The waiter fails on failure as well; the state is looked at afterwards.
	_ = waiter.Wait(t.Context(), &ssm.GetCommandInvocationInput{CommandId: &command, InstanceId: &id}, 30*time.Second)
	return s.invocation(t, command, id)
}
