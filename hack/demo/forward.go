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
	if err := stopForward(); err != nil {
		return err
	}
	if err := os.MkdirAll(rig.CacheDirectory(), 0o755); err != nil {
		return err
	}
	log, err := os.Create(forwardFile("log"))
	if err != nil {
		return err
	}
	defer log.Close()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	command := exec.Command(kubectl, "-n", demoNamespace, "port-forward", "--address", host, service, port+":80")
	command.Stdout, command.Stderr = log, log
	// A session of its own: the forwarder outlives the demo's terminal, until demo-down ends it.
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		return fmt.Errorf("kubectl port-forward: %w", err)
	}
	if err := os.WriteFile(forwardFile("pid"), []byte(strconv.Itoa(command.Process.Pid)), 0o600); err != nil {
		return err
	}
	return waitForPort(ctx, address)
}

func waitForPort(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			return connection.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("kubectl port-forward does not listen on %s; see %s: %w", address, forwardFile("log"), err)
		case <-tick.C:
		}
	}
}

func forwardFile(kind string) string {
	return filepath.Join(rig.CacheDirectory(), "demo-port-forward."+kind)
}

// stopForward ends the port-forward of an earlier demo, if it is one: a recycled process id is let be.
func stopForward() error {
	raw, err := os.ReadFile(forwardFile("pid"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		return os.Remove(forwardFile("pid"))
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err == nil && strings.Contains(string(line), "port-forward") {
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("ending the port-forward of an earlier demo (process %d): %w", pid, err)
		}
	}
	return os.Remove(forwardFile("pid"))
}
