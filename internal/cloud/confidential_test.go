package cloud

import "testing"

func TestRegion_Confidential(t *testing.T) {
	for name, test := range map[string]struct {
		config      Config
		environment string
		safe        bool
	}{
		"AWS":                      {Config{}, "", true},
		"a private endpoint":       {Config{Endpoints: map[string]string{"ssm": "https://vpce.example.com"}}, "", true},
		"a rehearsal":              {Config{Endpoints: map[string]string{"ssm": "http://127.0.0.1:4566"}}, "", true},
		"a rehearsal by IPv6":      {Config{Endpoints: map[string]string{"ssm": "http://[::1]:4566"}}, "", true},
		"a rehearsal by name":      {Config{Endpoints: map[string]string{"ssm": "http://localhost:4566"}}, "", true},
		"another machine":          {Config{Endpoints: map[string]string{"ssm": "http://10.0.0.1:4566"}}, "", false},
		"a name that looks so":     {Config{Endpoints: map[string]string{"ssm": "http://localhost.example.com"}}, "", false},
		"one of the environment":   {Config{}, "http://proxy.example.com", false},
		"without verification":     {Config{Insecure: true}, "", false},
		"another service's is not": {Config{Endpoints: map[string]string{"ec2": "http://10.0.0.1"}}, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("AWS_ENDPOINT_URL_SSM", test.environment)
			config := test.config
			config.Region, config.AccessKey, config.SecretKey = "us-east-1", "AKIAEXAMPLE", "secret"
			account, _, err := New(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			region, err := account.Region("")
			if err != nil {
				t.Fatal(err)
			}
			if err := region.Confidential(); (err == nil) != test.safe {
				t.Errorf("safe: %t, %v", test.safe, err)
			}
		})
	}
}
