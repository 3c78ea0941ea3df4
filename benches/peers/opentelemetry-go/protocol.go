package main

import (
	"bufio"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// The harness's protocol: README.md in the folder above says it in words.

const (
	stepSpans  = 64
	warmSpans  = 4096
	calibrated = 100 * time.Millisecond // CPU
	pause      = 2 * time.Millisecond
	patience   = 30 * time.Second
)

// What the harness asks for, in the order of the arguments.
type order struct {
	workload string
	endpoint string // where traces go: the whole URL
	mirror   string
	spans    uint64
	seconds  float64
	batch    int // spans a request; 0: the peer's default
	gzip     bool
}

func parse(arguments []string) (asked order, err error) {
	if len(arguments) != 7 {
		return asked, errors.New("arguments: WORKLOAD ENDPOINT MIRROR SPANS SECONDS BATCH COMPRESSION")
	}
	asked.workload, asked.endpoint, asked.mirror = arguments[0], arguments[1], arguments[2]
	var failed [3]error
	asked.spans, failed[0] = strconv.ParseUint(arguments[3], 10, 64)
	asked.seconds, failed[1] = strconv.ParseFloat(arguments[4], 64)
	asked.batch, failed[2] = strconv.Atoi(arguments[5])
	switch arguments[6] {
	case "none":
	case "gzip":
		asked.gzip = true
	default:
		return asked, fmt.Errorf("no compression %s", arguments[6])
	}
	return asked, errors.Join(failed[:]...)
}

// A peer, connected to the receiver.
type sender interface {
	// Makes stepSpans spans.
	step()
	// Sends what was made before.
	flush() error
	// Spans that may be made and not yet received: with more, the peer would drop some.
	mostOutstanding() uint64
}

type run struct {
	sender
	received *uint64 // the receiver writes it
	made     uint64
}

func main() {
	if err := work(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func work() error {
	asked, err := parse(os.Args[1:])
	if err != nil {
		return err
	}
	connected, err := connect(asked)
	if err != nil {
		return err
	}
	received, err := openMirror(asked.mirror)
	if err != nil {
		return err
	}
	r := &run{sender: connected, received: received}
	spans, cpu, err := r.measure(asked)
	if err != nil {
		return err
	}
	fmt.Printf("{\"spans\": %d, \"cpu_ns\": %d, \"made\": %d}\n", spans, cpu.Nanoseconds(), r.made)
	return nil
}

func (r *run) measure(asked order) (spans uint64, cpu time.Duration, err error) {
	if _, err = r.taken(1); err != nil {
		return
	}
	fmt.Println("sampled")
	if _, err = bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return
	}
	spans = asked.spans
	warm := uint64(warmSpans)
	if spans > 0 {
		warm = min(spans, warm)
	}
	if _, err = r.taken(warm); err != nil {
		return
	}
	if spans == 0 {
		for count := uint64(warmSpans); cpu < calibrated; count *= 2 {
			before := r.made
			if cpu, err = r.taken(count); err != nil {
				return
			}
			spans = uint64(math.Round(float64(r.made-before) * asked.seconds / cpu.Seconds()))
		}
	}
	before := r.made
	cpu, err = r.taken(spans)
	return r.made - before, cpu, err
}

// CPU of count spans, from the first to the delivery of the last.
func (r *run) taken(count uint64) (time.Duration, error) {
	begin := cpuTime()
	most := r.mostOutstanding() - stepSpans
	for end := r.made + count; r.made < end; r.made += stepSpans {
		if err := r.wait(most); err != nil {
			return 0, err
		}
		r.step()
	}
	if err := r.flush(); err != nil {
		return 0, err
	}
	if err := r.wait(0); err != nil {
		return 0, err
	}
	return cpuTime() - begin, nil
}

// Asleep while more than so many spans are made and not received.
func (r *run) wait(outstanding uint64) error {
	if r.made <= atomic.LoadUint64(r.received)+outstanding {
		return nil
	}
	for end := time.Now().Add(patience); ; time.Sleep(pause) {
		received := atomic.LoadUint64(r.received)
		if r.made <= received+outstanding {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("spans were lost: %d spans made, %d received", r.made, received)
		}
	}
}

func openMirror(path string) (*uint64, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	memory, err := syscall.Mmap(int(file.Fd()), 0, 8, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return (*uint64)(unsafe.Pointer(&memory[0])), nil
}

// User and system time of all threads.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err) // it cannot fail for this process
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
