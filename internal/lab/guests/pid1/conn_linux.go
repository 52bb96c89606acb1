package pid1

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Conn is one end of the control connection between a guest and its host: a stream
// of JSON values that can carry open files.
type Conn struct {
	conn    *net.UnixConn
	decoder *json.Decoder

	write sync.Mutex
	// files are the descriptors received and not yet taken.
	files []int
}

// NewConn takes over a connected Unix stream socket and closes file.
func NewConn(file *os.File) (*Conn, error) {
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	stream, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(errors.New("the control connection is not a Unix socket"), conn.Close())
	}
	c := &Conn{conn: stream}
	c.decoder = json.NewDecoder(reader{c})
	return c, nil
}

// Send writes one message. Any number of goroutines may send.
func (c *Conn) Send(message any) error { return c.SendFile(message, nil) }

// SendFile writes one message and passes a file along with it.
func (c *Conn) SendFile(message any, file *os.File) error {
	data, err := json.Marshal(message)
	if err != nil {
		return err
	}
	c.write.Lock()
	defer c.write.Unlock()
	if file != nil {
		n, _, err := c.conn.WriteMsgUnix(data, unix.UnixRights(int(file.Fd())), nil)
		if err != nil {
			return err
		}
		data = data[n:]
	}
	_, err = c.conn.Write(data)
	return err
}

// Receive reads the next message. One goroutine receives.
func (c *Conn) Receive(message any) error { return c.decoder.Decode(message) }

// TakeFile returns the file that came with the message just received.
func (c *Conn) TakeFile() (*os.File, error) {
	if len(c.files) == 0 {
		return nil, errors.New("no file came with the message")
	}
	file := os.NewFile(uintptr(c.files[0]), "received")
	c.files = c.files[1:]
	return file, nil
}

// Close ends the connection and drops files that nobody took.
func (c *Conn) Close() error {
	for _, fd := range c.files {
		_ = unix.Close(fd)
	}
	c.files = nil
	return c.conn.Close()
}

// reader reads the stream and keeps the descriptors that come with it.
type reader struct{ *Conn }

func (r reader) Read(p []byte) (int, error) {
	oob := make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := r.conn.ReadMsgUnix(p, oob)
	n = max(n, 0) // -1 on an error, such as that the other end was reset: not for an io.Reader
	if err != nil || oobn == 0 {
		return n, err
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		return n, fmt.Errorf("reading a passed file: %w", err)
	}
	for _, message := range messages {
		fds, err := unix.ParseUnixRights(&message)
		if err != nil {
			return n, fmt.Errorf("reading a passed file: %w", err)
		}
		r.files = append(r.files, fds...)
	}
	return n, nil
}
