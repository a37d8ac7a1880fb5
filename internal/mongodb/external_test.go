package mongodb

import (
	"strings"
	"testing"
)

func TestADatabaseOfSomebodyElseIsJudgedByWhatTheApplicationNeeds(t *testing.T) {
	for what, test := range map[string]struct {
		change  func(*External)
		reason  string
		says    string // a part of the message
		stalled bool
		usable  bool
		health  string // the reason, where it is another one
	}{
		"fine":          {func(*External) {}, ReasonDatabaseReached, "Secret theirs", false, true, ""},
		"a mongos":      {func(e *External) { e.Kind = ExternalSharded }, ReasonDatabaseReached, "", false, true, ""},
		"no URI":        {func(e *External) { *e = External{Refused: "it does not start with mongodb://"} }, ReasonConnectionString, "it does not start with mongodb://", true, false, ""},
		"unreachable":   {func(e *External) { *e = External{Error: "db.example.com:27017: connection refused"} }, ReasonDatabaseUnreachable, "connection refused", false, false, ""},
		"another login": {func(e *External) { e.Login = LoginRefused }, ReasonCredentialsRefused, "Secret theirs", true, false, ""},
		"one server":    {func(e *External) { e.Kind = ExternalStandalone }, ReasonDatabaseUnsuitable, "replica set", true, false, ""},
		"an old one":    {func(e *External) { e.Old = true }, ReasonDatabaseUnsuitable, "4.4", true, false, ""},
		"an election":   {func(e *External) { e.Writable = false }, ReasonNoPrimary, "no primary", false, false, ""},
		"may only read": {func(e *External) { e.Missing = []string{"insert", "update"} }, ReasonPrivilegesMissing, "may not insert, update in the database papers", true, false, ""},
		"in the clear":  {func(e *External) { e.Encrypted = false }, ReasonDatabaseReached, "", false, true, ReasonConnectionInTheClear},
		"no user":       {func(e *External) { e.Authenticated = false }, ReasonDatabaseReached, "", false, true, ReasonAccessControlOff},
	} {
		t.Run(what, func(t *testing.T) {
			e := &External{Login: LoginSucceeded, Kind: ExternalReplicaSet, Writable: true, Encrypted: true, Authenticated: true, Database: "papers"}
			test.change(e)
			decision, availability, health := JudgeExternal("theirs", e)
			if decision.Step != nil || decision.Reason != test.reason || decision.Stalled != test.stalled || decision.Settled != test.usable || !strings.Contains(decision.Message, test.says) {
				t.Errorf("decision %+v", decision)
			}
			if availability.Available != test.usable || availability.Reason != test.reason {
				t.Errorf("availability %+v", availability)
			}
			if test.health == "" && (health.Healthy != test.usable || health.Reason != test.reason) || test.health != "" && (health.Healthy || health.Reason != test.health) {
				t.Errorf("health %+v", health)
			}
		})
	}
	for what, e := range map[string]*External{"usable": {Writable: true}, "refused": {Refused: "x"}, "another login": {Login: LoginRefused}} {
		if !e.Stands() {
			t.Errorf("%s: asked again and again", what)
		}
	}
	if e := (&External{Error: "x"}); e.Stands() {
		t.Error("one that does not answer is left alone")
	}
	if decision, availability, health := JudgeExternal("theirs", nil); decision.Reason != ReasonNotObservedYet || availability.Reason != ReasonNotObservedYet || health.Known {
		t.Errorf("before anybody asked: %+v %+v %+v", decision, availability, health)
	}
}
