package pid1

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pair returns both ends of a control connection, and the raw descriptor of the second.
func pair(t *testing.T) (host *Conn, guest *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	guest = os.NewFile(uintptr(fds[1]), "guest")
	host, err = NewConn(os.NewFile(uintptr(fds[0]), "host"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = host.Close(), guest.Close() })
	return host, guest
}

func TestConn_carriesMessagesAndFiles(t *testing.T) {
	host, file := pair(t)
	guest, err := NewConn(file)
	if err != nil {
		t.Fatal(err)
	}
	defer guest.Close()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	long := strings.Repeat("x", 3<<20)
	sent := make(chan error, 1)
	go func() {
		sent <- errors.Join(guest.Send(Event{Kind: "first"}), guest.Send(Event{Kind: "second"}, write, read), guest.Send(Event{Kind: long}))
		write.Close()
	}()
	var got []string
	for range 3 {
		var event Event
		if err := host.Receive(&event); err != nil {
			t.Fatal(err)
		}
		got = append(got, event.Kind)
		if event.Kind == "second" {
			passed, err := host.TakeFile()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := passed.WriteString("through"); err != nil {
				t.Error(err)
			}
			passed.Close()
		}
	}
	if err := <-sent; err != nil || got[0] != "first" || got[1] != "second" || got[2] != long {
		t.Errorf("%d messages, %v", len(got), err)
	}
	if content, err := io.ReadAll(read); err != nil || string(content) != "through" {
		t.Errorf("through the file came %q, %v", content, err)
	}
	if _, err := host.TakeFile(); err == nil {
		t.Error("a file was taken that came with another message")
	}
}

// TestConn_closesWhatNobodyTakes passes the only writing ends of pipes, which must all be
// closed while the connection lives.
func TestConn_closesWhatNobodyTakes(t *testing.T) {
	host, file := pair(t)
	const message = `{"Kind":"x"}`
	whole := binary.BigEndian.AppendUint32(nil, uint32(len(message)))
	whole = append(whole, message...)
	var readers []*os.File
	pass := func(data []byte, count int) {
		var fds []int
		var writers []*os.File
		for range count {
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			readers, writers, fds = append(readers, read), append(writers, write), append(fds, int(write.Fd()))
		}
		if err := unix.Sendmsg(int(file.Fd()), data, unix.UnixRights(fds...), nil, 0); err != nil {
			t.Fatal(err)
		}
		for _, write := range writers {
			write.Close()
		}
	}
	receive := func() {
		var event Event
		if err := host.Receive(&event); err != nil {
			t.Fatal(err)
		}
	}
	// With the length, with a single byte of it, too many, and with the content.
	pass(whole, 2)
	receive()
	pass(whole[:1], 1)
	pass(whole[1:], 2)
	receive()
	pass(whole, maxFiles+10)
	receive()
	pass(whole[:lengthSize], 0)
	pass(whole[lengthSize:], 3)
	receive()
	pass(whole, 0)
	receive()

	for i, read := range readers {
		if err := read.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(read); err != nil {
			t.Errorf("pipe %d is still open: %v", i, err)
		}
		read.Close()
	}
}

func TestConn_refusesHugeMessages(t *testing.T) {
	host, file := pair(t)
	if _, err := file.Write(binary.BigEndian.AppendUint32(nil, maxMessage+1)); err != nil {
		t.Fatal(err)
	}
	var event Event
	if err := host.Receive(&event); err == nil || !strings.Contains(err.Error(), "no more than") {
		t.Errorf("the message was taken: %v", err)
	}
	if err := host.Send(strings.Repeat("x", maxMessage)); err == nil {
		t.Error("a message was sent that nobody takes")
	}
}

func TestChooseIDs(t *testing.T) {
	for count, want := range map[int]IDs{
		1 << 32:          {First: firstID, Size: allIDs},
		firstID + allIDs: {First: firstID, Size: allIDs},
		1 << 20:          {First: 1<<20 - allIDs, Size: allIDs},
		65536:            {First: 32768, Size: 32768},
		8192:             {First: 4096, Size: 4096},
		8191:             {},
		1:                {},
	} {
		got, err := chooseIDs(count)
		if got != want || (err != nil) != (want == IDs{}) {
			t.Errorf("of %d ids: %v, %v; want %v", count, got, err, want)
		}
		if err == nil && got.First < min(count/2, allIDs) {
			t.Errorf("of %d ids: %v are among those that the host uses", count, got)
		}
	}
}
