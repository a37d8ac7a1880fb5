package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The parameters that OWASP's password storage cheat sheet names first for argon2id, and how many
// hashes are computed at the same time: together they use at most 38 MiB.
const (
	memoryKiB   = 19 * 1024
	iterations  = 2
	parallelism = 1
	hashers     = 2

	saltBytes = 16
	keyBytes  = 32
	// maxKiB and maxIterations bound what a stored hash may ask for.
	maxKiB        = 256 * 1024
	maxIterations = 16
)

// hasher computes a few hashes at a time; more callers wait their turn or until their context ends.
type hasher struct {
	slots chan struct{}
	dummy string // the hash of no password, compared with for accounts that do not exist
}

func newHasher() *hasher {
	nobody := digest{memoryKiB: memoryKiB, iterations: iterations, threads: parallelism, salt: make([]byte, saltBytes), key: make([]byte, keyBytes)}
	return &hasher{slots: make(chan struct{}, hashers), dummy: nobody.String()}
}

// digest is a hash with what it was made with.
type digest struct {
	memoryKiB, iterations uint32
	threads               uint8
	salt, key             []byte
}

// hash returns the password's hash in PHC string form.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	d := digest{memoryKiB: memoryKiB, iterations: iterations, threads: parallelism, salt: make([]byte, saltBytes)}
	rand.Read(d.salt)
	var err error
	if d.key, err = h.derive(ctx, password, d); err != nil {
		return "", err
	}
	return d.String(), nil
}

// verify says whether hash is that of password. An empty hash is that of no password, and takes as long.
func (h *hasher) verify(ctx context.Context, hash, password string) (bool, error) {
	if hash == "" {
		hash = h.dummy
	}
	d, err := parseDigest(hash)
	if err != nil {
		return false, err
	}
	key, err := h.derive(ctx, password, d)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, d.key) == 1, nil
}

func (h *hasher) derive(ctx context.Context, password string, d digest) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
		return argon2.IDKey([]byte(password), d.salt, d.iterations, d.memoryKiB, d.threads, keyBytes), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// String is the PHC string form.
func (d digest) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, d.memoryKiB, d.iterations, d.threads,
		b64.EncodeToString(d.salt), b64.EncodeToString(d.key))
}

// parseDigest reads the PHC string form.
func parseDigest(hash string) (digest, error) {
	malformed := errors.New("a stored password hash cannot be read")
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return digest{}, malformed
	}
	var d digest
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &d.memoryKiB, &d.iterations, &d.threads); err != nil ||
		d.memoryKiB > maxKiB || d.iterations == 0 || d.iterations > maxIterations || d.threads == 0 {
		return digest{}, malformed
	}
	b64 := base64.RawStdEncoding
	var saltErr, keyErr error
	d.salt, saltErr = b64.DecodeString(parts[4])
	d.key, keyErr = b64.DecodeString(parts[5])
	if saltErr != nil || keyErr != nil || len(d.key) != keyBytes {
		return digest{}, malformed
	}
	return d, nil
}
