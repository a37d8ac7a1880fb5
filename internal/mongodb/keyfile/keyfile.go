// Package keyfile reads and writes what members of a replica set know each other by: one key, or two while one takes
// the place of the other.
package keyfile

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
)

const (
	// base64 is what MongoDB allows in a key
	// (https://www.mongodb.com/docs/manual/core/security-internal-authentication/#keyfile-security).
	base64            = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
	shortest, longest = 6, 1024
	// most is how many keys MongoDB reads: the first one proves, both are taken.
	most = 2
	item = "- "
)

// errContent does not show what is wrong: it is a secret.
var errContent = errors.New("a keyfile must hold one key of 6 to 1024 characters of base64, or a list of two, each on a line that begins with \"- \"")

// Parse returns the keys of a keyfile, by MongoDB's own rules. No error shows any of it.
func Parse(content []byte) ([]string, error) {
	text := strings.TrimSpace(string(content))
	keys := []string{text}
	if strings.HasPrefix(text, item) {
		keys = strings.Split(text, "\n")
	}
	if len(keys) > most {
		return nil, errContent
	}
	for i, key := range keys {
		key = strings.Join(strings.Fields(strings.TrimPrefix(key, item)), "") // white space is no part of a key
		if len(key) < shortest || len(key) > longest || strings.Trim(key, base64) != "" {
			return nil, errContent
		}
		keys[i] = key
	}
	return keys, nil
}

// Join writes keys as a keyfile.
func Join(keys ...string) []byte {
	if len(keys) == 1 {
		return []byte(keys[0])
	}
	var file strings.Builder
	for _, key := range keys {
		file.WriteString(item + key + "\n")
	}
	return []byte(file.String())
}

// Fingerprint names keys: the SHA-256, in hexadecimal, of the file that they make. Who has it can try short keys; nobody
// guesses one that the operator made.
func Fingerprint(keys []string) string {
	sum := sha256.Sum256(Join(keys...))
	return hex.EncodeToString(sum[:])
}
