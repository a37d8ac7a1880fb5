package rig

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// longestIndex bounds what is read into memory of an image archive's lists of names, in bytes.
const longestIndex = 1 << 20

// LoadAgent loads the agent's image into a local cluster once more under another tag, as a release of the operator
// brings another one, and answers its name.
func (c Cluster) LoadAgent(ctx context.Context, tag string) (string, error) {
	name := c.Images.DBAgent[:strings.LastIndex(c.Images.DBAgent, ":")+1] + tag
	directory, err := os.MkdirTemp("", "chatpdf-agent-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(directory)
	archive := filepath.Join(directory, "dbagent.tar")
	if err := retagFile(c.Images.DBAgentTar, archive, c.Images.DBAgent, name); err != nil {
		return "", fmt.Errorf("naming %s as %s: %w", c.Images.DBAgentTar, name, err)
	}
	return name, c.load(ctx, c.Name, archive)
}

func retagFile(from, to, oldName, newName string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	return errors.Join(retag(in, out, oldName, newName), out.Close())
}

// retag copies an image archive, of Docker's form or OCI's, and gives the image another name.
func retag(in io.Reader, out io.Writer, oldName, newName string) error {
	reader, writer := tar.NewReader(in), tar.NewWriter(out)
	renamed := false
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		content := io.Reader(reader)
		switch header.Name {
		case "repositories":
			continue // of Docker before 1.10, and repeats the manifest
		case "manifest.json", "index.json":
			if header.Size > longestIndex {
				return fmt.Errorf("%s has %d bytes, more than the %d of a list of names", header.Name, header.Size, longestIndex)
			}
			index, err := io.ReadAll(reader)
			if err != nil {
				return err
			}
			renamed = renamed || bytes.Contains(index, []byte(oldName))
			index = bytes.ReplaceAll(index, []byte(oldName), []byte(newName))
			header.Size, content = int64(len(index)), bytes.NewReader(index)
		}
		if err := writer.WriteHeader(header); err != nil {
			return err
		}
		if _, err := io.Copy(writer, content); err != nil {
			return err
		}
	}
	if !renamed {
		return fmt.Errorf("the archive holds no image %s", oldName)
	}
	return writer.Close()
}
