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
	return &hasher{slots: make(chan struct{}, hashers), dummy: encode(make([]byte, saltBytes), make([]byte, keyBytes))}
}

// hash returns the password's hash in PHC string form.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	key, err := h.derive(ctx, password, salt, memoryKiB, iterations, parallelism)
	if err != nil {
		return "", err
	}
	return encode(salt, key), nil
}

// verify says whether hash is that of password. An empty hash is that of no password, and takes as long.
func (h *hasher) verify(ctx context.Context, hash, password string) (bool, error) {
	if hash == "" {
		hash = h.dummy
	}
	memory, time, threads, salt, want, err := decode(hash)
	if err != nil {
		return false, err
	}
	key, err := h.derive(ctx, password, salt, memory, time, threads)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, want) == 1, nil
}

func (h *hasher) derive(ctx context.Context, password string, salt []byte, memory, time uint32, threads uint8) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
		return argon2.IDKey([]byte(password), salt, time, memory, threads, keyBytes), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func encode(salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memoryKiB, iterations, parallelism,
		b64.EncodeToString(salt), b64.EncodeToString(key))
}

func decode(hash string) (memory, time uint32, threads uint8, salt, key []byte, err error) {
	malformed := errors.New("a stored password hash cannot be read")
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return 0, 0, 0, nil, nil, malformed
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &time, &threads); err != nil ||
		memory > maxKiB || time == 0 || time > maxIterations || threads == 0 {
		return 0, 0, 0, nil, nil, malformed
	}
	b64 := base64.RawStdEncoding
	salt, saltErr := b64.DecodeString(parts[4])
	key, keyErr := b64.DecodeString(parts[5])
	if saltErr != nil || keyErr != nil || len(key) != keyBytes {
		return 0, 0, 0, nil, nil, malformed
	}
	return memory, time, threads, salt, key, nil
}
