package replset

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

func TestASecondaryHasCaughtUpWhenItHasThePrimarysLastAndFetchesMore(t *testing.T) {
	at := func(name, state string, second uint32, source string) statusMember {
		m := statusMember{Name: name, State: state, Health: 1, SyncSource: source}
		m.Optime.Timestamp = bson.Timestamp{T: second}
		return m
	}
	primary := at("a", "PRIMARY", 100, "")
	primary.Self = true
	down := at("b", "SECONDARY", 0, "")
	down.Health = 0
	for name, test := range map[string]struct {
		others []statusMember
		want   string
	}{
		"both are there":               {[]statusMember{at("b", "SECONDARY", 100, "a:1"), at("c", "SECONDARY", 101, "b:1")}, ""},
		"one is behind":                {[]statusMember{at("b", "SECONDARY", 100, "a:1"), at("c", "SECONDARY", 99, "a:1")}, "c"},
		"one fetches from nobody":      {[]statusMember{at("b", "SECONDARY", 100, ""), at("c", "SECONDARY", 100, "a:1")}, "b"},
		"one is down":                  {[]statusMember{down, at("c", "SECONDARY", 100, "a:1")}, ""},
		"one copies all from the rest": {[]statusMember{at("b", "STARTUP2", 0, "a:1"), at("c", "SECONDARY", 100, "a:1")}, ""},
		"it is alone":                  {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			set := &setReply{members: append([]statusMember{primary}, test.others...)}
			if got := set.behind(set.optime()); got != test.want {
				t.Errorf("behind is %q, want %q", got, test.want)
			}
		})
	}
}
