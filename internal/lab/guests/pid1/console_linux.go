package pid1

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// consoleNames are the devices under which an instance knows its serial console.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-serial-console.html
var consoleNames = []string{"/dev/console", "/dev/ttyS0"}

// outputLog is where cloud-init keeps a copy of what boot scripts print.
const outputLog = "/var/log/cloud-init-output.log"

// console is the guest's serial console: a terminal of the guest's own, so that
// programs find a character device that behaves as one, line ends included.
type console struct {
	// Out takes what boot scripts print: it goes to outputLog and, line by line and
	// with the journal's prefix, to the terminal.
	Out *os.File

	terminal *os.File
	copied   chan struct{}
	sent     chan struct{}
}

// openConsole makes the terminal, shows it under consoleNames and passes what is
// written there to send until the console is closed.
func openConsole(booted time.Time, send func([]byte)) (*console, error) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	number, err := unlockTerminal(master)
	if err != nil {
		return nil, fmt.Errorf("opening the console's terminal: %w", err)
	}
	path := "/dev/pts/" + strconv.Itoa(number)
	terminal, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	for _, name := range consoleNames {
		if err := bindFile(path, name); err != nil {
			return nil, err
		}
	}
	log, err := os.OpenFile(outputLog, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
	if err != nil {
		return nil, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c := &console{Out: write, terminal: terminal, copied: make(chan struct{}), sent: make(chan struct{})}
	go func() {
		defer close(c.copied)
		defer log.Close()
		journal(read, log, terminal, booted)
	}()
	go func() {
		defer close(c.sent)
		buffer := make([]byte, 32<<10)
		for {
			n, err := master.Read(buffer)
			if n > 0 {
				send(buffer[:n])
			}
			if err != nil {
				return
			}
		}
	}()
	return c, nil
}

// unlockTerminal returns the number of the terminal behind a new pty master (pty(7)).
func unlockTerminal(master *os.File) (number int, err error) {
	raw, err := master.SyscallConn()
	if err != nil {
		return 0, err
	}
	var inner error
	err = raw.Control(func(fd uintptr) {
		if inner = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); inner == nil {
			number, inner = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	})
	if err != nil {
		return 0, err
	}
	return number, inner
}

// say prints a line of the machine's own.
func (c *console) say(format string, args ...any) {
	fmt.Fprintf(c.terminal, format+"\n", args...)
}

// close passes on what is still under way and prints a last line. No other process
// may have the console open any more.
func (c *console) close(last string) {
	c.Out.Close()
	<-c.copied
	c.say("%s", last)
	c.terminal.Close()
	<-c.sent
}

// lineMax is where the journal breaks lines, in bytes (journald.conf(5)).
const lineMax = 48 << 10

// journal copies lines to log as they are and to terminal as systemd does for
// cloud-init's services, which print to "journal+console":
// "[    1.234567] cloud-init[1]: line".
func journal(from io.Reader, log, terminal io.Writer, booted time.Time) {
	lines := bufio.NewReaderSize(from, lineMax)
	for {
		line, err := lines.ReadSlice('\n')
		if len(line) > 0 {
			// A full disk must not silence the console.
			_, _ = log.Write(line)
			line = bytes.TrimSuffix(line, []byte("\n"))
			fmt.Fprintf(terminal, "[%12.6f] cloud-init[1]: %s\n", time.Since(booted).Seconds(), line)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}
