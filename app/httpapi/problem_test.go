package httpapi

import (
	"errors"
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo"
)

func TestDatabaseThatIsAwayIsToldFromAnErrorOfOurs(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		away bool
	}{
		{"shutting down", mongo.CommandError{Code: 91, Message: "The server is in quiesce mode"}, true},
		{"interrupted at shutdown", fmt.Errorf("writing a chunk: %w", mongo.CommandError{Code: 11600}), true},
		{"no longer primary", mongo.CommandError{Code: 10107}, true},
		{"a write that may be tried again", mongo.CommandError{Code: 6, Labels: []string{"RetryableWriteError"}}, true},
		{"a duplicate key", mongo.CommandError{Code: 11000}, false},
		{"not allowed", mongo.CommandError{Code: 13}, false},
		{"not of the database", errors.New("no such file"), false},
	} {
		if got := databaseAway(test.err); got != test.away {
			t.Errorf("%s: away is %v, want %v", test.name, got, test.away)
		}
	}
}
