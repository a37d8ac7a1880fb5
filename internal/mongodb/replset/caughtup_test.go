package replset

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

func TestAMemberHasCaughtUpWhenItHasThePrimarysLastAndFetchesMore(t *testing.T) {
	at := func(name, state string, second uint32, source string) statusMember {
		m := statusMember{Name: name, State: state, Health: 1, SyncSource: source}
		m.Optime.Timestamp = bson.Timestamp{T: second}
		return m
	}
	primary := at("a", "PRIMARY", 100, "")
	primary.Self = true
	down := at("b", "SECONDARY", 100, "a:1")
	down.Health = 0
	all := []string{"a", "b", "c"}
	for name, test := range map[string]struct {
		others []statusMember
		hosts  []string
		want   string
	}{
		"both are there":               {[]statusMember{at("b", "SECONDARY", 100, "a:1"), at("c", "SECONDARY", 101, "b:1")}, all, ""},
		"one is behind":                {[]statusMember{at("b", "SECONDARY", 100, "a:1"), at("c", "SECONDARY", 99, "a:1")}, all, "c"},
		"one fetches from nobody":      {[]statusMember{at("b", "SECONDARY", 100, ""), at("c", "SECONDARY", 100, "a:1")}, all, "b"},
		"one has failed meanwhile":     {[]statusMember{down, at("c", "SECONDARY", 100, "a:1")}, all, "b"},
		"one copies all from the rest": {[]statusMember{at("b", "STARTUP2", 100, "a:1"), at("c", "SECONDARY", 100, "a:1")}, all, "b"},
		"one has left the set":         {[]statusMember{at("c", "SECONDARY", 100, "a:1")}, all, "b"},
		"the one to restart is behind": {[]statusMember{at("b", "SECONDARY", 90, ""), at("c", "SECONDARY", 100, "a:1")}, []string{"a", "c"}, ""},
		"the one to restart was elected, and who was primary follows nobody yet": {[]statusMember{at("b", "SECONDARY", 90, "")}, []string{"b"}, "b"},
	} {
		t.Run(name, func(t *testing.T) {
			set := &setReply{members: append([]statusMember{primary}, test.others...)}
			if got := set.behind(test.hosts, set.optime()); got != test.want {
				t.Errorf("behind is %q, want %q", got, test.want)
			}
		})
	}
}
