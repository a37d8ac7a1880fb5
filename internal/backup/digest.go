package backup

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/bits"
)

// Digest is the sum, modulo 2^256, of the SHA-256 of every document added. It does not depend on their order:
// a collection that was restored is read back in another one. It tells damage, not malice.
type Digest struct {
	words [4]uint64
}

// Add adds one document, as its bytes.
func (d *Digest) Add(document []byte) {
	sum := sha256.Sum256(document)
	var carry uint64
	for i := range d.words {
		d.words[i], carry = bits.Add64(d.words[i], binary.LittleEndian.Uint64(sum[8*i:]), carry)
	}
}

// String is the digest in 64 hexadecimal digits.
func (d *Digest) String() string {
	var sum [sha256.Size]byte
	for i, word := range d.words {
		binary.LittleEndian.PutUint64(sum[8*i:], word)
	}
	return hex.EncodeToString(sum[:])
}
