package lab

import (
	"encoding/base64"
	"fmt"
	"sync"
	"time"
)

// maxConsole is how much of the serial console EC2 keeps: the newest 64 KB.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-console.html
const maxConsole = 64 << 10

// console is what an instance has printed. Guests write to it from their own
// goroutines, without the lab's lock.
type console struct {
	mu   sync.Mutex
	text []byte
}

// Write keeps the newest 64 KB.
func (c *console) Write(text []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text = append(c.text, text...)
	// Cut only now and then: each cut copies everything.
	if len(c.text) > 2*maxConsole {
		c.text = append([]byte(nil), c.text[len(c.text)-maxConsole:]...)
	}
	return len(text), nil
}

func (c *console) printf(format string, args ...any) {
	_, _ = c.Write(fmt.Appendf(nil, format, args...)) // it takes every write
}

// newest is a copy of what EC2 would show.
func (c *console) newest() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]byte(nil), c.text[max(0, len(c.text)-maxConsole):]...)
}

type consoleInput struct {
	InstanceId string
	// Latest asks for what is there now instead of what was posted after the last
	// transition; the lab always answers what is there now.
	Latest *bool
}

type consoleOutput struct {
	InstanceID string    `xml:"instanceId"`
	Timestamp  time.Time `xml:"timestamp"`
	Output     string    `xml:"output,omitempty"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetConsoleOutput.html
func (r *region) getConsoleOutput(in *consoleInput) (*consoleOutput, *apiError) {
	if in.InstanceId == "" {
		return nil, missing("InstanceId")
	}
	found, err := r.named([]string{in.InstanceId})
	if err != nil {
		return nil, err
	}
	return &consoleOutput{
		InstanceID: in.InstanceId, Timestamp: r.now(),
		Output: base64.StdEncoding.EncodeToString(found[0].console.newest()),
	}, nil
}
