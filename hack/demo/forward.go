package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"chatpdf.dev/operator/hack/rig"
)

// startForward starts a kubectl port-forward that outlives the demo.
func startForward(ctx context.Context, kubectl, service, address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if err := stopForward(port); err != nil {
		return err
	}
	if err := os.MkdirAll(rig.CacheDirectory(), 0o755); err != nil {
		return err
	}
	log, err := os.Create(forwardFile(port, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	command := exec.Command(kubectl, "-n", demoNamespace, "port-forward", "--address", host, service, port+":80")
	command.Stdout, command.Stderr = log, log
	// A session of its own: the forwarder outlives the demo's terminal, until demo-down ends it.
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		return fmt.Errorf("kubectl port-forward: %w", err)
	}
	if err := os.WriteFile(forwardFile(port, "pid"), []byte(strconv.Itoa(command.Process.Pid)), 0o600); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	if err := waitForPort(ctx, address, ended); err != nil {
		return fmt.Errorf("kubectl port-forward does not listen on %s; see %s: %w", address, log.Name(), err)
	}
	return nil
}

// waitForPort waits until the forwarder listens. If it has ended, whoever listens is somebody else.
func waitForPort(ctx context.Context, address string, ended <-chan error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return fmt.Errorf("it has ended: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", address); err == nil {
			return connection.Close()
		}
	}
}

func forwardFile(port, kind string) string {
	return filepath.Join(rig.CacheDirectory(), "demo-port-forward-"+port+"."+kind)
}

// stopForward ends the port-forward of an earlier demo, if it is one: a recycled process id is let be.
func stopForward(port string) error {
	file := forwardFile(port, "pid")
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		return os.Remove(file)
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err == nil && strings.Contains(string(line), "port-forward") {
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("ending the port-forward of an earlier demo (process %d): %w", pid, err)
		}
	}
	return os.Remove(file)
}
