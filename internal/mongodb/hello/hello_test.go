package hello_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"chatpdf.dev/operator/internal/mongodb/hello"
)

// message is an OP_MSG of so many claimed bytes around a document.
func message(t *testing.T, claimed int, code uint32, document any) []byte {
	t.Helper()
	body, err := bson.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	m := make([]byte, 21, 21+len(body))
	m = append(m, body...)
	if claimed == 0 {
		claimed = len(m)
	}
	binary.LittleEndian.PutUint32(m[0:], uint32(claimed))
	binary.LittleEndian.PutUint32(m[12:], code)
	return m
}

func TestAServerThatIsNoneNeverHangsOrCrashesTheAsker(t *testing.T) {
	good := bson.M{"ok": 1.0, "isWritablePrimary": true, "setName": "docs"}
	for _, c := range []struct {
		name   string
		answer []byte
		fine   bool
	}{
		{"a primary", message(t, 0, 2013, good), true},
		{"a refusal", message(t, 0, 2013, bson.M{"ok": 0.0, "errmsg": "no"}), false},
		{"another operation", message(t, 0, 1, good), false},
		{"longer than any hello", message(t, 1<<30, 2013, good), false},
		{"shorter than its header", message(t, 3, 2013, good), false},
		{"negative", message(t, -1, 2013, good), false},
		{"cut off", message(t, 0, 2013, good)[:30], false},
		{"no BSON", append(message(t, 25, 2013, bson.M{})[:21], 0xff, 0xff, 0xff, 0xff), false},
		{"nothing", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, server := net.Pipe()
			defer client.Close()
			go func() {
				defer server.Close()
				var header [4]byte
				io.ReadFull(server, header[:])                                               //nolint:errcheck // the asker is ours
				io.CopyN(io.Discard, server, int64(binary.LittleEndian.Uint32(header[:]))-4) //nolint:errcheck // see above
				server.Write(c.answer)                                                       //nolint:errcheck // the asker may have gone
			}()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			reply, err := hello.Ask(ctx, client, "admin.someone")
			if (err == nil) != c.fine || c.fine && (!reply.IsWritablePrimary || reply.SetName != "docs") {
				t.Errorf("%+v, %v", reply, err)
			}
			if ctx.Err() != nil {
				t.Error("it hung")
			}
		})
	}
}

func TestAskEndsWithItsContext(t *testing.T) {
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		var header [4]byte
		io.ReadFull(server, header[:]) //nolint:errcheck // the asker is ours
		cancel()
		io.Copy(io.Discard, server) //nolint:errcheck // until it goes
	}()
	if _, err := hello.Ask(ctx, client, ""); err == nil {
		t.Error("an answer that nobody gave")
	}
}
