package pid1

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// maxMessage bounds a message, in bytes: the longest script that the lab takes fits, with
// every character escaped, and both streams of a command's output. The other end is a guest's, which may be in anybody's hands.
const maxMessage = 32 << 20

// maxFiles is how many open files may come with a message.
const maxFiles = 16

// lengthSize is the size of a message's length, which goes before it.
const lengthSize = 4

// Conn is one end of the control connection between a guest and its host: a stream
// of JSON values, each after its length, that can carry open files.
type Conn struct {
	conn  *net.UnixConn
	write sync.Mutex
	// files are the descriptors that came with the last message and are not yet taken.
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
	return &Conn{conn: stream}, nil
}

// Send writes one message and passes files along with it. Any number of goroutines may
// send.
func (c *Conn) Send(message any, files ...*os.File) error {
	data, err := json.Marshal(message)
	if err != nil {
		return err
	}
	if len(data) > maxMessage || len(files) > maxFiles {
		return fmt.Errorf("a message of %d bytes with %d files: no more than %d and %d can be sent", len(data), len(files), maxMessage, maxFiles)
	}
	data = slices.Concat(binary.BigEndian.AppendUint32(nil, uint32(len(data))), data)
	c.write.Lock()
	defer c.write.Unlock()
	if len(files) > 0 {
		var fds []int
		for _, file := range files {
			fds = append(fds, int(file.Fd()))
		}
		n, _, err := c.conn.WriteMsgUnix(data, unix.UnixRights(fds...), nil)
		if err != nil {
			return err
		}
		data = data[n:]
	}
	_, err = c.conn.Write(data)
	return err
}

// Receive reads the next message. Files that came with the one before and that nobody
// took are closed. One goroutine receives.
func (c *Conn) Receive(message any) error {
	c.dropFiles()
	var head [lengthSize]byte
	if err := c.readHead(head[:]); err != nil {
		return err
	}
	length := binary.BigEndian.Uint32(head[:])
	if length > maxMessage {
		return fmt.Errorf("a message of %d bytes: no more than %d are taken", length, maxMessage)
	}
	// The room grows with what comes, not with what was promised. Files that come now are
	// closed by the kernel: a plain read has no place for them.
	var data bytes.Buffer
	if _, err := io.CopyN(&data, c.conn, int64(length)); err != nil {
		return err
	}
	return json.Unmarshal(data.Bytes(), message)
}

// readHead fills head, and keeps the files that come with it.
func (c *Conn) readHead(head []byte) error {
	// The kernel closes what finds no room.
	oob := make([]byte, unix.CmsgSpace(maxFiles*lengthSize))
	for len(head) > 0 {
		n, oobn, _, _, err := c.conn.ReadMsgUnix(head, oob)
		if err != nil {
			return err
		}
		if n == 0 {
			return io.EOF
		}
		head = head[n:]
		if err := c.keep(oob[:oobn]); err != nil {
			return err
		}
	}
	return nil
}

// keep notes files that were passed.
func (c *Conn) keep(oob []byte) error {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return fmt.Errorf("reading a passed file: %w", err)
	}
	for _, message := range messages {
		fds, err := unix.ParseUnixRights(&message)
		if err != nil {
			return fmt.Errorf("reading a passed file: %w", err)
		}
		c.files = append(c.files, fds...)
	}
	return nil
}

// TakeFile returns the next file that came with the message just received.
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
	c.dropFiles()
	return c.conn.Close()
}

func (c *Conn) dropFiles() {
	for _, fd := range c.files {
		_ = unix.Close(fd)
	}
	c.files = nil
}
